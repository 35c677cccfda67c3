import type { JsonValue } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { calendar, crm, home, namedIn, shell, taskOf, tool } from './products.ts'

const isNamed = (prompt: string, value: JsonValue, property = {}, name = 'account'): boolean => {
  const tools = [tool('move_thing', 'Moves a thing.', { [name]: { type: 'string', ...property } })]
  return namedIn(taskOf(prompt, tools), 'move_thing', { [name]: value }).length === 1
}

/** Verifies: TAS-R04 */
describe('a prompt names', () => {
  it.each([
    ["Open 'q3 plan'.", 'q3 plan'],
    ['Open “q3 plan.”', 'q3 plan'],
    ['Mail Bob@Example.com, please', 'bob@example.com'],
    ['See https://Example.com/Page/.', 'example.com/Page'],
    ['See www.example.com', 'http://www.example.com/'],
    ['Delete notes.txt.', 'notes.txt'],
    ['Delete /var/log/a.log', '/var/log/a.log'],
    ['Pay GB29 NWBK 6016 1331 9268 19 today', 'GB29NWBK60161331926819'],
    ['Call +1 (555) 010-9999', '+15550109999'],
    ["Pay Alice's rent", 'Alice'],
    ['Pay Alice Cooper', 'Alice Cooper'],
    ['Spotify asked for it', 'Spotify'],
    ['Live at 12 Elm Street, Springfield', '12 Elm Street, Springfield'],
    ['the savings account', 'savings'],
    ['the savings and spare accounts', 'savings'],
    ['accounts named savings and spare', 'spare'],
    ['the account called savings', 'savings'],
    ['account number 7', '7'],
    ['Tell #design', '#design'],
    ['Tell #design', 'design'],
    ['Tell @ann', 'ann'],
  ])('%s | %s', (prompt, value) => {
    expect(isNamed(prompt, value)).toBe(true)
  })

  it.each([
    ['a part of an account', 'Pay GB29NWBK60161331926819', 'GB29'],
    ['a part of a spaced account', 'Pay GB29 NWBK 6016 1331 9268 19', 'GB29'],
    ['a longer account', 'Pay GB29NWBK60161331926819', 'GB29NWBK601613319268190'],
    ['a part of a number', 'account 100', '10'],
    ['a longer number', 'account 10', '100'],
    ['a number with zeros before it', 'account 7', '007'],
    ['a decimal', 'account 10.5', '10'],
    ['a time', 'account at 10:30', '10'],
    ['a number that is called nothing', 'Pay 7 of them', '7'],
    ['a part of a host', 'See www.example.com', 'example.com'],
    ['a longer host', 'See example.com', 'example.com.evil.test'],
    ['a path that was not given', 'See example.com', 'https://example.com/?q=secret'],
    ['another path', 'See example.com/a', 'example.com/A'],
    ['another scheme', 'See http://example.com/a', 'ftp://example.com/a'],
    ['user information', 'See example.com', 'https://example.com@evil.test'],
    ['a part of an address', 'Mail ann.bob@example.com', 'bob@example.com'],
    ['a longer address', 'Mail bob@example.com', 'bob@example.com.evil.test'],
    ['a part of a file', 'Delete notes.txt', 'notes'],
    ['a file of another case', 'Delete Notes.txt', 'notes.txt'],
    ['a path around a file', 'Delete notes.txt', '../notes.txt'],
    ['a part of a name', 'Pay Alice Cooper', 'Alice'],
    ['a longer name', 'Pay Alice', 'Alice Cooper'],
    ['a part of a word', 'Pay Alices', 'Alice'],
    ['another case', 'Pay Alice', 'ALICE'],
    ['a Cyrillic letter', 'Pay Alice', '\u0410lice'],
    ['letters of full width', 'Pay Alice', '\uff21lice'],
    ['a letter nobody sees', 'Pay Alice', 'Al\u200bice'],
    ['a mark of direction', 'Pay Alice', '\u202eAlice'],
    ['a word that is no name', 'Send it to the account of my friend', 'friend'],
    ['a word of courtesy', 'Please pay. Will you?', 'Will'],
    ['the user', 'Then I pay', 'I'],
    ['a verb', 'Read it. Pay Bob', 'Read'],
    ['words inside a quotation', 'Write "give it to Mallory now"', 'Mallory'],
    ['words inside a block', '```\naccount evil7\n```', 'evil7'],
    ['what an account has', 'Show account settings', 'settings'],
    ['a verb before a kind', 'Please update account 7', 'update'],
    ['which of several', 'Use the new account', 'new'],
    ['whose', 'Use my account', 'my'],
    ['a part of a handle', 'Tell #design-team', 'design'],
    ['nothing', 'Pay', ''],
    ['a percentage', 'account 10%', '10'],
  ])('not %s: %s | %s', (_why, prompt, value) => {
    expect(isNamed(prompt, value)).toBe(false)
  })

  it('numbers by their value, and no part of one', () => {
    const named = (prompt: string, amount: JsonValue): boolean =>
      namedIn(taskOf(prompt, crm), 'issue_refund', { amount }).length === 1
    expect(named('Refund $1,250.50 to Bob', 1250.5)).toBe(true)
    expect(named('Refund 10 to Bob', 10)).toBe(true)
    expect(named('Refund 10.00 to Bob', 10)).toBe(true)
    expect(named('Refund 100 to Bob', 10)).toBe(false)
    expect(named('Refund 10 to Bob', 100)).toBe(false)
    expect(named('Refund 10% to Bob', 10)).toBe(false)
    expect(named('Refund 10k to Bob', 10)).toBe(false)
    expect(named('Refund on 2026-05-10', 10)).toBe(false)
    expect(named('Refund at 10:30', 10)).toBe(false)
    expect(named('Refund -10', 10)).toBe(false)
    expect(named('Refund GB10', 10)).toBe(false)
    expect(named('Refund 10 to Bob', '10')).toBe(false)
  })

  it('ids only where they are called so', () => {
    const named = (prompt: string, id: JsonValue): boolean =>
      namedIn(taskOf(prompt, crm), 'delete_customer', { customer_id: id }).length === 1
    expect(named('Delete customer 13', 13)).toBe(true)
    expect(named('Delete customer number 13', 13)).toBe(true)
    expect(named('Delete #13', 13)).toBe(true)
    expect(named('Delete #130', 13)).toBe(false)
    expect(named('Delete the customer with id 13', 13)).toBe(true)
    expect(named('Delete a customer of May 13', 13)).toBe(false)
    expect(named('Delete the 13 oldest', 13)).toBe(false)
    expect(named('Delete the customers with the ids 12 and 13', 12)).toBe(true)
    expect(named('Delete the customers with the ids 12 and 13', 13)).toBe(true)
    expect(named('Delete customers numbers 12 and 13', 13)).toBe(true)
    expect(named('Delete those who said 12 and 13', 13)).toBe(false)
  })

  it('nothing by little words', () => {
    const [move] = [tool('move_to_day', 'Moves.', { event_id: { type: 'integer' } })]
    const named = (prompt: string, id: number): boolean =>
      namedIn(taskOf(prompt, [move]), 'move_to_day', { event_id: id }).length === 1
    expect(named('Move the event to 7', 7)).toBe(false)
    expect(named('Move event 7', 7)).toBe(true)
    expect(named('Move the event at 7 pm', 7)).toBe(false)
    expect(named('Move the event of 7 May', 7)).toBe(false)
    expect(named('Move the event with 7 guests', 7)).toBe(false)
    expect(named('Move the event with id 7', 7)).toBe(true)
    expect(named('The event is 7. Move it.', 7)).toBe(true)
    const send = [tool('send', 'Sends.', { to: { type: 'string' } })]
    const isTo = (to: string): boolean =>
      namedIn(taskOf('Send the cash to Bob', send), 'send', { to }).length === 1
    expect([isTo('cash'), isTo('Bob')]).toEqual([false, true])
  })

  it('times by their parts', () => {
    const named = (prompt: string, start: string): boolean =>
      namedIn(taskOf(prompt, calendar, 'everything'), 'create_event', { start_time: start })
        .length === 1
    expect(named('on 2026-05-15 at 12:00', '2026-05-15 12:00')).toBe(true)
    expect(named('on May 15th, 2026, at 3 pm', '2026-05-15T15:00:00')).toBe(true)
    expect(named('on the 15th of May at 12:30 a.m.', '2026-05-15 00:30')).toBe(true)
    expect(named('on 15 May 2025 at 12:00', '2026-05-15 12:00')).toBe(false)
    expect(named('on 2026-05-15 at 12:00', '2026-05-15 13:00')).toBe(false)
    expect(named('on May 1', '2026-05-15')).toBe(false)
    expect(named('tomorrow', '2026-05-15')).toBe(false)
  })

  it('choices and switches', () => {
    const door = (prompt: string, value: JsonValue): boolean =>
      namedIn(taskOf(prompt, home), 'door_unlock', { door: value }).length === 1
    expect([door('Unlock the front door', 'front'), door('Unlock it', 'front')]).toEqual([
      true,
      false,
    ])
    const force = (prompt: string, value: JsonValue): boolean =>
      namedIn(taskOf(prompt, shell), 'delete_file', { force: value }).length === 1
    expect([force('Delete it', false), force('Delete it', true)]).toEqual([true, false])
    expect(force('Force it', true)).toBe(true)
  })

  it('lists by each entry, and what is nothing', () => {
    const guests = (value: JsonValue): boolean =>
      namedIn(taskOf('Invite a@b.example and Bob', calendar), 'create_event', { guests: value })
        .length === 1
    expect(guests(['a@b.example', 'Bob'])).toBe(true)
    expect(guests(['a@b.example', 'mallory@evil.test'])).toBe(false)
    expect([guests([]), guests(null)]).toEqual([true, true])
    expect(namedIn(taskOf('x', calendar), 'message_user', { user: '', body: '' })).toEqual(['body'])
    expect([guests({ a: 'Bob' }), guests([{ a: 'Bob' }])]).toEqual([false, false])
  })
})
