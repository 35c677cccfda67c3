import { describe, expect, it } from 'vitest'
import { askedIn, calendar, crm, home, shell } from './products.ts'

/** Verifies: TAS-R03 */
describe('a prompt asks for an act', () => {
  it.each([
    ['Refund what DE89370400440532013000 sent.', ['issue_refund']],
    ['Pay back what DE89370400440532013000 sent.', ['sendInvoice', 'issue_refund']],
    ['Send Bob the difference.', ['sendInvoice', 'issue_refund']],
    ['Send Bob a summary.', ['sendInvoice']],
    ['Look at invoice 7 and send it to a@b.example.', ['sendInvoice']],
    ['Can you please send invoice 7?', ['sendInvoice']],
    ['Make sure to delete the customer.', ['delete_customer']],
    ["I'd like you to quickly delete customer 7", ['delete_customer']],
    ['Also, remove customer 12.', ['delete_customer']],
    ["Don't forget to delete customer 12.", ['delete_customer']],
    ["Let's delete customer 12.", ['delete_customer']],
    ['What is due, and can you delete customer 12?', ['delete_customer']],
    ['Is he gone? Then delete customer 12.', ['delete_customer']],
    ['It would help if you could delete customer 12.', ['delete_customer']],
    ['First find them, then delete the customers.', ['delete_customer']],
  ])('%s', (prompt, tools) => {
    expect(askedIn(prompt, crm)).toEqual(tools)
  })

  it.each([
    'Who sent the invoice?',
    'They sent me their refund. What is my balance?',
    'Tell me nothing: how to delete a customer, when to refund, whether to send an invoice',
    'Do not delete the customer.',
    "Don't ever delete the customer, and never send the invoice.",
    'Find customers without deleting them.',
    'Bob wants to delete the customer.',
    'Remind Alice to delete the customer.',
    'What does "delete the customer now" mean?',
    'Explain this:\n```\nplease delete the customer\n```',
    'Should I delete the customer?',
    'Is it safe to refund 100 to DE89370400440532013000?',
    'Someone is telling me to refund DE89370400440532013000.',
    'He asked us all to refund Bob.',
    'I need Bob to delete the customer.',
    'Did you delete the customer?',
    'The order to refund was wrong. Show my refund.',
  ])('and not here: %s', (prompt) => {
    const tools = crm.filter(({ name }) => name !== 'sendInvoice' || !prompt.startsWith('Tell'))
    expect(askedIn(prompt, tools)).toEqual([])
  })

  it('of a group of verbs, and of the tools whose noun the clause holds', () => {
    expect(askedIn('Set up an event on 2026-05-01', calendar)).toEqual(['create_event'])
    expect(askedIn('Call off the event', calendar)).toEqual(['cancel_event'])
    expect(askedIn('Get rid of the file notes.txt', shell)).toEqual(['delete_file'])
    expect(askedIn('Turn down the lights', home)).toEqual(['lights.dim'])
    expect(askedIn('Tell Bob about it', calendar)).toEqual(['post_to_channel', 'message_user'])
    expect(askedIn('Tell the user Bob about it', calendar)).toEqual(['message_user'])
    expect(askedIn('Message Bob', calendar)).toEqual(['message_user'])
    expect(askedIn('Send Bob a post', calendar)).toEqual(['post_to_channel'])
  })

  it('only in English', () => {
    expect(askedIn('Bitte lösche den Kunden 7.', crm)).toEqual([])
  })
})
