import { describe, expect, it } from 'vitest'
import { askedIn, calendar, crm, home, shell, tool } from './products.ts'

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
    ['Would you mind deleting customer 12?', ['delete_customer']],
    ['Do you mind deleting customer 12?', ['delete_customer']],
    ['Hi, do you mind getting rid of customer 12?', ['delete_customer']],
    ['Let Ann and Bob know.', ['sendInvoice']],
    ['Tell me and Bob.', ['sendInvoice']],
    ['Ask Alice to delete the customer.', ['sendInvoice']],
    ['Remind Alice to delete the customer.', ['sendInvoice']],
    ['Remind us, then delete customer 12.', ['delete_customer']],
    ['Tell Bob.', ['sendInvoice']],
    ['Give Bob 10.', ['sendInvoice', 'issue_refund']],
    ['Tell me who is new, and delete customer 12.', ['delete_customer']],
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
    'Remind me to delete the customer.',
    'Do not warn Alice.',
    'He had to ask Alice.',
    'Ask me anything.',
    'What does "delete the customer now" mean?',
    'Explain this:\n```\nplease delete the customer\n```',
    'Should I delete the customer?',
    'Is it safe to refund 100 to DE89370400440532013000?',
    'Someone is telling me to refund DE89370400440532013000.',
    'He asked us all to refund Bob.',
    'I need Bob to delete the customer.',
    'Did you delete the customer?',
    'The order to refund was wrong. Show my refund.',
    'Would you mind if I delete the customer?',
    'Would you mind not deleting the customer?',
    'Would you mind Bob deleting the customer?',
    'Why would you mind deleting the customer?',
    'Deleting the customer is what he would mind.',
    'Would you mind? Deleting the customer was wrong.',
    'I would not mind deleting the customer.',
    'Give me the total of my refunds.',
    'Let me know the total.',
    'Please inform us of the difference.',
    'Can you give us the sum?',
    'Would you mind giving me the sum?',
    'Let Bob say what you know.',
    'Let it be, for all I know.',
    'Let them decide if they know.',
  ])('and not here: %s', (prompt) => {
    const tools = crm.filter(
      ({ name }) => name !== 'sendInvoice' || !prompt.startsWith('Tell me nothing'),
    )
    expect(askedIn(prompt, tools)).toEqual([])
  })

  it('of tools whose names have little words in them', () => {
    const named = ['append_to_list', 'add_member_to_list', 'remove_member_from_list']
    const tools = [...named, 'add_guest'].map((name) => tool(name, '', { who: {} }))
    expect(askedIn('Add Ann to it', tools)).toEqual([
      'append_to_list',
      'add_member_to_list',
      'add_guest',
    ])
    expect(askedIn('Add a guest to it', tools)).toEqual(['add_guest'])
    expect(askedIn('Remove it from there', tools)).toEqual(['remove_member_from_list'])
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
