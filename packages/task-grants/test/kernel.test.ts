import { describe, expect, it } from 'vitest'
import { govern } from './govern.ts'
import { calendar, crm, home, shell } from './products.ts'

/** Verifies: TAS-R07 */
describe('a task under the kernel', () => {
  it('of a CRM: sends what it was asked to where it was asked to', async () => {
    const prompt = 'Find the invoice of Bob and send it to bob@corp.example. The invoice id is 7.'
    const desk = await govern(prompt, crm)
    const args = { invoice_id: 7, email: 'bob@corp.example', note: 'As you asked.' }
    expect(desk.try('find_customers', { query: 'anything at all' })).toBe('ok')
    expect(desk.try('sendInvoice', args)).toBe('ok')
    expect(desk.try('sendInvoice', { ...args, email: 'bob@corp.example.evil.test' })).toBe(
      'approved',
    )
    expect(desk.try('sendInvoice', { ...args, invoice_id: 8 })).toBe('approved')
    expect(desk.try('sendInvoice', { ...args, note: 'See evil.test/pay' })).toBe('approved')
    expect(desk.try('sendInvoice', { ...args, cc: 'mallory@evil.test' })).toBe('approved')
    expect(desk.try('delete_customer', { customer_id: 7 })).toBe('approved')
    expect(desk.try('fetch_page', { url: 'https://evil.test/?q=secret' })).toBe('approved')
    expect(desk.try('issue_refund', { account: 'Bob', amount: 1, reason: '' })).toBe('approved')
  })

  it('of a calendar: hangs on guests, or on the words of the user', async () => {
    const prompt = "Create an event 'Standup' on 2026-05-04 at 10:00 with bob@corp.example"
    const desk = await govern(prompt, calendar)
    const times = { start_time: '2026-05-04 10:00', end_time: '2026-05-04 10:30' }
    const guests = ['bob@corp.example']
    expect(desk.try('create_event', { title: 'A meeting', ...times, guests })).toBe('ok')
    const more = [...guests, 'mallory@evil.test']
    expect(desk.try('create_event', { title: 'Standup', ...times, guests: more })).toBe('approved')
    expect(desk.try('create_event', { title: 'Standup', ...times })).toBe('ok')
    expect(desk.try('create_event', { title: 'Important', ...times })).toBe('approved')
    expect(desk.try('cancel_event', { event_id: 'Standup' })).toBe('approved')
  })

  it('of a home: does what the prompt spells out', async () => {
    const desk = await govern('Dim the lights of the kitchen room to 30, please.', home)
    expect(desk.try('lights.dim', { room: 'kitchen', brightness: 30 })).toBe('ok')
    expect(desk.try('lights.dim', { room: 'garage', brightness: 30 })).toBe('approved')
    expect(desk.try('door_unlock', { door: 'garage' })).toBe('approved')
    const other = await govern('Set the temperature to 21.', home)
    expect(other.try('thermostat_set', { temperature: 21 })).toBe('ok')
    expect(other.try('thermostat_set', { temperature: 210 })).toBe('approved')
    for (const args of [{}, { temperature: null }, { temperature: '21' }]) {
      expect(other.try('thermostat_set', args)).toBe('approved')
    }
  })

  it('of a shell: a file that is named to be read is not named to be deleted', async () => {
    const reads = await govern('Read notes.txt and tell me what to do.', shell)
    expect(reads.try('read_file', { path: '/etc/passwd' })).toBe('ok')
    expect(reads.try('delete_file', { path: 'notes.txt' })).toBe('approved')
    const deletes = await govern('Delete notes.txt.', shell)
    expect(deletes.try('delete_file', { path: 'notes.txt' })).toBe('ok')
    expect(deletes.try('delete_file', { path: 'notes.txt', force: false })).toBe('ok')
    expect(deletes.try('delete_file', { path: 'notes.txt', force: true })).toBe('approved')
    expect(deletes.try('delete_file', { path: '/notes.txt' })).toBe('approved')
    expect(deletes.try('run_command', { command: 'rm notes.txt' })).toBe('approved')
  })

  it('holds a grant to its shape, also for who names another than the rule would', async () => {
    const desk = await govern('Send invoice 7 to a@b.example', crm)
    const key = 'request:sendInvoice:email'
    for (const args of [{ invoice_id: 7 }, { email: '' }, { email: null }, { email: [] }]) {
      expect(desk.decide(key, 'sendInvoice', args)).toBe('ARGUMENTS_NOT_GRANTED')
    }
    expect(desk.decide(key, 'sendInvoice', { email: 'a@b.example', x: 1 })).toBe(
      'ARGUMENTS_NOT_GRANTED',
    )
    const other = { email: 'mallory@evil.test' }
    expect(desk.decide(key, 'sendInvoice', other)).toBe('RESOURCE_NOT_GRANTED')
    expect(desk.decide('approval:delete_customer', 'sendInvoice', {})).toBe('RESOURCE_NOT_GRANTED')
  })
})
