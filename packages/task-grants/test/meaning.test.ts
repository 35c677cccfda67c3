import type { JsonObject } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { govern } from './govern.ts'
import { chat, office } from './invented.ts'
import { crm, taskOf } from './products.ts'

const tools = [...chat, ...office, ...crm]

const message = (recipient: string): [string, JsonObject] => [
  'send_direct_message',
  { recipient, body: 'Hello.' },
]
const post = (channel: string): [string, JsonObject] => [
  'post_in_channel',
  { channel, body: 'Hello.' },
]
const mail = (...recipients: string[]): [string, JsonObject] => [
  'send_mail',
  { recipients, subject: 'News', body: 'Hello.' },
]
const refund = (account: string): [string, JsonObject] => [
  'issue_refund',
  { account, amount: 10, reason: 'As agreed.' },
]

/** Verifies: TAS-R08 */
describe('a request means', () => {
  it.each([
    ['whom it says', 'Bob wrote a text. Send it to Alice.', message('Alice')],
    ['each of whom it says', 'Send it to Alice, Bob and Kim.', message('Kim')],
    ['whom another request says', 'Send it to Alice. Send a thank you to Bob.', message('Bob')],
    ['whom the prompt says', 'The boss is Bob. Send a short report.', message('Bob')],
    ['whom a pronoun points to', 'Bob is new. Send him the plan of Alice.', message('Bob')],
    ['several of them', 'Mia and Jo are here. Send them the plan of Alice.', message('Jo')],
    ['an address beside a name', 'Mail Bob. His address is bob@a.example.', mail('bob@a.example')],
    ['what no day is a rival of', 'The boss is Bob. Send it on Friday in May.', message('Bob')],
    ['an account with a name', 'Refund Bob 10: it is DE89370400440532013000.', refund('Bob')],
    ['a channel', 'Post it in the general channel.', post('general')],
    ['a new channel', 'The channel called ops is new. Post it in the same channel.', post('ops')],
    [
      'an address beside a link',
      'His is bob@a.example. Mail www.b.example to it.',
      mail('bob@a.example'),
    ],
    [
      'an account beside a link',
      'It is DE89370400440532013000. Refund 10 as www.b.example says.',
      refund('DE89370400440532013000'),
    ],
    ['a name beside a file', "The boss is Bob. Send 'notes.txt' at once.", message('Bob')],
    ['a name beside the user', 'The boss is Bob. Send a report before I leave.', message('Bob')],
    ['a name through two requests', 'It is Bob. Send a report. Send a plan.', message('Bob')],
    [
      'an id beside a number',
      'It is event 42. Cancel it within 2 days.',
      ['cancel_event', { event_id: '42' }],
    ],
    [
      'an id beside a name',
      'It is event 42. Cancel it for Bob.',
      ['cancel_event', { event_id: '42' }],
    ],
    ['an id', 'Cancel event 42.', ['cancel_event', { event_id: '42' }]],
    ['an id said before', 'It is event 42. Cancel it.', ['cancel_event', { event_id: '42' }]],
    [
      'a guest of an event',
      'Add lee@a.example to event 3.',
      ['add_event_participants', { event_id: '3', participants: ['lee@a.example'] }],
    ],
  ] satisfies [string, string, [string, JsonObject]][])('%s: %s', async (_what, prompt, call) => {
    const desk = await govern(prompt, tools)
    expect(desk.try(...call)).toBe('ok')
  })

  it.each([
    ['whom another sentence says', 'Bob wrote a text. Send it to Alice.', message('Bob')],
    ['one of several before', 'Eve and Bob wrote. Send it to Alice.', message('Eve')],
    ['a handle without its sign', '@bob wrote. Send it to Alice.', message('bob')],
    ['whom a handle is a rival of', 'Bob wrote. Send it to @alice.', message('Bob')],
    ['whom a quotation is a rival of', "Bob wrote. Send it to 'Alice'.", message('Bob')],
    [
      'an address between two requests',
      'Read what bob@a.example wants, ask Alice, and mail it to kim@a.example.',
      mail('bob@a.example'),
    ],
    [
      'another document',
      'It was document 3. Share document 4 with a@a.example, to read (r).',
      ['share_document', { document_id: '3', email: 'a@a.example', permission: 'r' }],
    ],
    [
      'what another is called',
      'The savings account is old. Refund 10 to the spare account.',
      refund('savings'),
    ],
    ['the other half of a name', 'Al left. Send it to Al Green.', message('Al')],
    ['whom an address is a rival of', 'See a@a.example. Mail b@a.example.', mail('a@a.example')],
    [
      'one more than it says',
      'See a@a.example. Mail b@a.example.',
      mail('b@a.example', 'a@a.example'),
    ],
    [
      'an account from before',
      'DE89370400440532013000 paid. Refund 10 to GB29NWBK60161331926819.',
      refund('DE89370400440532013000'),
    ],
    [
      'whom another act is for',
      'Send a welcome to Alice and remove Bob from the workspace.',
      ['remove_member', { member: 'Alice' }],
    ],
    ['whom it is told of', 'Remove Bob. Then send a word to Alice.', message('Bob')],
    ['what was read', 'Read the random channel. Post it in the general channel.', post('random')],
    ['a handle from before', 'Read #random. Post it in #general.', post('random')],
    ['a quotation from before', "Read 'random'. Post it in 'general'.", post('random')],
    [
      'an id from before',
      'I like event 43. Cancel event 42.',
      ['cancel_event', { event_id: '43' }],
    ],
    [
      'an id as a number',
      'I like customer 8. Delete customer 7.',
      ['delete_customer', { customer_id: 8 }],
    ],
    ['one pointed to elsewhere', 'Bob is here, ask him. Send it to Alice.', message('Bob')],
    [
      'one with a pronoun in another request',
      'Remove her, and send it to Alice. Eve knows.',
      message('Eve'),
    ],
    [
      'a link beside a link',
      'See www.a.example. Publish it on the page www.b.example.',
      ['publish_page', { url: 'www.a.example', content: 'Hello.' }],
    ],
  ] satisfies [string, string, [string, JsonObject]][])('not %s: %s', async (_, prompt, call) => {
    const desk = await govern(prompt, tools)
    expect(desk.try(...call)).toBe('approved')
  })

  it('leaves words, amounts and times to how they are named', async () => {
    const prompt = "He said 'Thanks' on 2026-05-01 at 10:00. Create an event 'Lunch' about it."
    const desk = await govern(prompt, office)
    const when = { start_time: '2026-05-01 10:00', end_time: '2026-05-01 10:00' }
    expect(desk.try('create_event', { title: 'Thanks', ...when })).toBe('ok')
  })

  it('for a look whatever the prompt says', async () => {
    const desk = await govern('Read www.a.example. Send www.b.example to Alice.', chat)
    for (const url of ['www.a.example', 'www.b.example']) {
      expect(desk.try('get_page', { url })).toBe('ok')
    }
  })

  it('in work that grows with prompt and call alone', () => {
    const prompt = 'Send it to Bob and send '.repeat(1_300)
    const guests = Array.from({ length: 256 }, () => 'Bob')
    const { call } = taskOf(`Eve. ${prompt}`, tools)
    const read = call({ tool: 'send_mail', arguments: { recipients: [...guests.slice(1), 'Eve'] } })
    expect(Object.keys(read.labels)).toEqual([''])
  })
})
