import { hasCode, type JsonValue } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TASK_GRANTS_CODES as C, TASK_ACTIONS, taskGrants, taskToolKind } from '../src/index.ts'
import { MENTIONS_MAX, PARAMETERS_MAX, PROMPT_CHARS_MAX, TOOLS_MAX } from '../src/limits.ts'
import { calendar, crm, shell, taskOf, tool } from './products.ts'

const sourcesOf = (prompt: string, tools = crm): Readonly<Record<string, string>> => {
  const entries = new Map<string, string>()
  for (const { source, tool: name } of taskOf(prompt, tools).grants) {
    entries.set(name, [entries.get(name), source].filter(Boolean).join(' '))
  }
  return Object.fromEntries(entries)
}

const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'nothing'
  } catch (error) {
    return Object.values(C).find((code) => hasCode(error, code)) ?? 'another'
  }
}

/** Verifies: TAS-R01 */
describe('the grants of a task', () => {
  it('let it look, and do what was asked for; a person is asked about the rest', () => {
    expect(sourcesOf('Delete customer 7')).toEqual({
      find_customers: 'observe',
      get_invoice: 'observe',
      sendInvoice: 'approval',
      delete_customer: 'request spelled approval',
      issue_refund: 'approval',
      open_page: 'approval',
      fetch_page: 'observe approval',
    })
  })

  it('have a grant for each parameter a call can hang on, and hold to all targets', () => {
    const { grants } = taskOf('Send invoice 7 to a@b.example', crm)
    const found = grants.find(({ key }) => key === 'request:sendInvoice:email')
    expect(found).toEqual({
      key: 'request:sendInvoice:email',
      source: 'request',
      tool: 'sendInvoice',
      actions: [TASK_ACTIONS.act],
      resource: { kind: 'task-tool', tool: 'sendInvoice', mentions: ['a@b.example'] },
      caveats: [
        {
          kind: 'arguments',
          schema: {
            type: 'object',
            properties: { invoice_id: {}, email: {}, note: { type: ['string', 'null'] } },
            additionalProperties: false,
            anyOf: [
              {
                properties: { email: { not: { enum: [null, '', []] } } },
                required: ['email'],
              },
            ],
          },
        },
        { kind: 'trusted', paths: ['/invoice_id', '/email'] },
        { kind: 'count', max: 1 },
      ],
      label: 'sendInvoice: the prompt asks to send, and the call names its email',
    })
  })

  it('are bounded in number by what the prompt names', () => {
    const { grants } = taskOf('Send it to a@b.example, "c", Dora Smith and Eve', crm)
    const counts = grants.flatMap(({ caveats }) => caveats.filter(({ kind }) => kind === 'count'))
    expect(new Set(counts.map((caveat) => JSON.stringify(caveat)))).toEqual(
      new Set(['{"kind":"count","max":4}']),
    )
  })

  it('want everything named where the product says so, and what its author says', () => {
    const strict = taskOf('Refund 10 to Bob', crm, 'everything').grants
    const paths = (key: string, grants = strict): unknown =>
      grants.find((grant) => grant.key === key)?.caveats.find(({ kind }) => kind === 'trusted')
    const all = ['/account', '/amount', '/reason']
    expect(paths('request:issue_refund:account')).toEqual({ kind: 'trusted', paths: all })
    const [refund] = crm.filter(({ name }) => name === 'issue_refund')
    const careful = [{ ...refund, name: 'issue_refund', named: ['amount'] }]
    expect(paths('request:issue_refund:account', taskOf('Refund Bob', careful).grants)).toEqual({
      kind: 'trusted',
      paths: ['/account', '/amount'],
    })
    const { grants } = taskOf('Hello', [{ name: 'delete_all', effect: 'observe' }])
    expect(grants.map(({ source }) => source)).toEqual(['observe'])
  })

  it('take all that a tool is told for targets where it only removes or runs', () => {
    const text = { type: 'string' }
    const cancel = tool('cancel_event', 'Cancels.', { room: text, title: text, day: text })
    const { grants } = taskOf('Cancel the event', [cancel])
    const paths = ['/room', '/title', '/day']
    expect(grants.map(({ key }) => key)).toEqual([
      'request:cancel_event:room',
      'request:cancel_event:title',
      'request:cancel_event:day',
      'spelled:cancel_event',
      'approval:cancel_event',
    ])
    expect(grants[0]?.caveats[1]).toEqual({ kind: 'trusted', paths })
  })

  it('ask about an act that is told nothing', () => {
    const { call, grants } = taskOf('Delete the event', [tool('delete_events', 'Deletes.')])
    expect(grants.map(({ key }) => key)).toEqual(['approval:delete_events'])
    const read = call({ tool: 'delete_events', arguments: {} })
    expect(read.grants).toEqual(['approval:delete_events'])
  })

  it.each([
    ['get_and_delete_mail', 'Gets mail.', true],
    ['get_mail', 'Gets mail and deletes it.', true],
    ['get_mail', 'Gets mail. Marks it as read.', true],
    ['check_in', 'Checks in.', true],
    ['user_delete', 'A user.', true],
    ['frobnicate', 'Frobnicates.', true],
    ['mailGet', 'Gets mail.', true],
    ['get_scheduled_posts', 'Gets the list of scheduled posts.', false],
    ['listUpdates', 'Returns all updates.', false],
    ['search.files', 'Searches files by name.', false],
  ])('take %s (%s) for an act: %s', (name, description, acts) => {
    const [grant] = taskOf('Hello', [{ name, description }]).grants
    expect(grant?.actions).toEqual([acts ? TASK_ACTIONS.act : TASK_ACTIONS.observe])
  })
})

/** Verifies: TAS-R02 */
describe('a call of a task', () => {
  const call = (prompt: string, name: string, args: JsonValue, tools = crm) =>
    taskOf(prompt, tools).call({ tool: name, arguments: args })

  it('is made under the grant that follows from it, then under the one with the approval', () => {
    const keys = (prompt: string, name: string, args: JsonValue, tools = crm): readonly string[] =>
      call(prompt, name, args, tools).grants
    expect(keys('Look', 'find_customers', { query: 'x' })).toEqual(['observe:find_customers'])
    expect(keys('Look', 'fetch_page', { url: 'x.test' })).toEqual([
      'observe:fetch_page',
      'approval:fetch_page',
    ])
    expect(keys('Look', 'delete_customer', { customer_id: 7 })).toEqual([
      'approval:delete_customer',
    ])
    const asked = 'Create an event with Bob'
    expect(keys(asked, 'create_event', { guests: ['Bob'] }, calendar)[0]).toBe(
      'request:create_event:guests',
    )
    for (const guests of [[], null]) {
      const [first] = keys(asked, 'create_event', { title: 'x', guests }, calendar)
      expect(first).toBe('spelled:create_event')
    }
  })

  it('carries the context, and lets the prompt alone make a value trusted', () => {
    const context = { sources: ['tool/find_customers'], readers: ['alice'] }
    const args = { invoice_id: 7, email: 'mallory@evil.test', note: 'hi' }
    const { labels } = taskOf('Send invoice 7 to a@b.example', crm).call({
      tool: 'sendInvoice',
      arguments: args,
      context,
    })
    expect(labels).toEqual({
      '': { sources: ['tool/find_customers', 'unnamed'], readers: ['alice'] },
      '/invoice_id': { sources: [], readers: ['alice'] },
    })
  })

  it('says what it mentions and the prompt does not name', () => {
    const mentioned = (note: string): unknown =>
      call('Send invoice 7 to a@b.example', 'sendInvoice', { email: 'a@b.example', note }).resource[
        'mentions'
      ]
    expect(mentioned('Pay soon, 12.50 by 2026-05-01 at 10:30, please.')).toEqual([])
    expect(mentioned('see http://evil.test/x or EVIL.test')).toEqual(['evil.test/x', 'EVIL.test'])
    expect(mentioned('see evil\u3002test')).toEqual(['evil.test'])
    expect(mentioned('see evil\u200b.test')).toEqual(['evil.test'])
    expect(mentioned('ｅｖｉｌ．ｔｅｓｔ')).toEqual(['evil.test'])
    expect(mentioned('pay gb29nwbk60161331926819')).toEqual(['GB29NWBK60161331926819'])
    expect(mentioned('call +1 555 010 9999, @mallory, #general')).toEqual([
      '+15550109999',
      '@mallory',
      '#general',
    ])
    expect(mentioned('x'.repeat(70_000))).toEqual(['(text that is too long to be read)'])
    const many = Array.from({ length: 300 }, (_, at) => `h${at}.test`).join(' ')
    expect(mentioned(many)).toHaveLength(MENTIONS_MAX + 1)
  })

  it('has no more names than its own members', () => {
    const odd = tool('send_odd', 'Sends.', { constructor: { type: 'string' }, 'a/b~c': {} })
    const args = { constructor: 'Bob', 'a/b~c': 'Bob', toString: 'Bob' }
    const { labels } = taskOf('Send it to Bob', [odd]).call({ tool: 'send_odd', arguments: args })
    expect(Object.keys(labels)).toEqual(['', '/constructor', '/a~1b~0c'])
    expect(codeOf(() => taskOf('x', crm).call({ tool: 'constructor', arguments: {} }))).toBe(
      C.toolNotFound,
    )
  })
})

/** Verifies: TAS-R05 */
describe('what is handed in', () => {
  it('is refused with a code when it is out of bounds', () => {
    const many = Array.from({ length: TOOLS_MAX + 1 }, (_, at) => ({ name: `t${at}` }))
    const wide = Object.fromEntries(
      Array.from({ length: PARAMETERS_MAX + 1 }, (_, at) => [`p${at}`, {}]),
    )
    expect(codeOf(() => taskOf('x'.repeat(PROMPT_CHARS_MAX + 1), []))).toBe(C.promptLimit)
    expect(codeOf(() => taskOf(7 as never, []))).toBe(C.promptLimit)
    for (const tools of [
      many,
      'x',
      [null],
      [{ name: '' }],
      [{ name: 'a\nb' }],
      [{ name: 'a' }, { name: 'a' }],
      [{ name: 'a', description: 7 }],
      [{ name: 'a', effect: 'none' }],
      [{ name: 'a', named: [7] }],
      [{ name: 'a', parameters: 7 }],
      [{ name: 'a', parameters: { properties: 7 } }],
      [{ name: 'a', parameters: { properties: { b: true } } }],
      [{ name: 'a', parameters: { properties: wide } }],
      [{ name: 'a', parameters: { x: Number.NaN } }],
    ]) {
      expect(codeOf(() => taskOf('x', tools as never))).toBe(C.toolsUnsupported)
    }
  })

  it.each([
    ['text', 'x'],
    ['a list', []],
    ['nothing', undefined],
    ['a number that is none', { a: Number.NaN }],
    ['half a character', { a: '\ud800' }],
    ['a date', { a: new Date(0) }],
    ['more levels than any call needs', JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`)],
    ['too many values', { a: Array.from({ length: 20_000 }, () => 1) }],
    ['a name that is no member', JSON.parse('{"__proto__": {"a": 1}}')],
  ])('as arguments is no %s', (_what, args) => {
    const { call } = taskOf('x', crm)
    expect(codeOf(() => call({ tool: 'fetch_page', arguments: args as JsonValue }))).toBe(
      C.argumentsLimit,
    )
  })

  it('gets an answer or a code, whatever it is, and the same every time', () => {
    const tools = [...crm, ...shell]
    const names = tools.map(({ name }) => name)
    const keys = tools.flatMap(({ parameters }) =>
      Object.keys((parameters?.['properties'] as object | undefined) ?? {}),
    )
    const words = fc.constantFrom(
      'send ',
      'delete ',
      'Bob ',
      "'",
      '"',
      '`',
      'a@b.example ',
      '\n',
      '. ',
      '7 ',
    )
    const prompt = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words).map((all) => all.join('')),
    )
    const args = fc.dictionary(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(prompt, fc.constantFrom(...names), args, (text, name, value) => {
        const read = (): unknown => {
          const { call, grants } = taskGrants({ prompt: text, tools })
          const made = call({ tool: name, arguments: value as JsonValue })
          expect(grants.map(({ key }) => key)).toEqual(expect.arrayContaining([...made.grants]))
          for (const { resource } of grants) {
            expect(taskToolKind.checkResource(resource)).toBeUndefined()
          }
          return [grants, made]
        }
        try {
          expect(read()).toEqual(read())
        } catch (error) {
          expect(hasCode(error, C.argumentsLimit)).toBe(true)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('is read in time that grows with its length alone', () => {
    for (const unit of [
      "'a ",
      'a.',
      'a@',
      '1.',
      'A',
      'a ',
      '/a',
      'send to ',
      '"',
      '1 ',
      'Aa ',
      '@a',
    ]) {
      const prompt = unit.repeat(Math.floor(PROMPT_CHARS_MAX / unit.length))
      const { call } = taskOf(prompt, crm)
      const args = { account: [prompt.slice(0, 2_000), 'a', 'Aa', '1'], reason: prompt }
      expect(call({ tool: 'issue_refund', arguments: args }).action).toBe(TASK_ACTIONS.act)
    }
  })
})

/** Verifies: TAS-R06 */
describe('the resource kind task-tool', () => {
  const resource = { kind: 'task-tool', tool: 'send', mentions: ['a.test'] }

  it('holds one tool and what may be mentioned', () => {
    const refuses = (claim: object): string | undefined =>
      taskToolKind.refuses(resource, 'tool.act', claim as never)
    expect(refuses({ tool: 'send', mentions: [] })).toBeUndefined()
    expect(refuses({ tool: 'send', mentions: ['a.test'] })).toBeUndefined()
    expect(refuses({ tool: 'send', mentions: ['a.test', 'b.test'] })).toContain('"b.test"')
    expect(refuses({ tool: 'Send', mentions: [] })).toContain('"send"')
    expect(refuses({ tool: 'send' })).toBe('a claim is { tool, mentions }')
    expect(refuses({ tool: 'send', mentions: 'any' })).toBe('"mentions" is a list of forms')
    expect(refuses({ tool: 'send', mentions: [7] })).toBe('"mentions" is a list of forms')
    expect(refuses({ tool: 'send', mentions: [], more: 1 })).toBe('a claim is { tool, mentions }')
    const any = { ...resource, mentions: 'any' }
    const many = Array.from({ length: MENTIONS_MAX + 1 }, (_, at) => `${at}`)
    expect(taskToolKind.refuses(any, 'tool.act', { tool: 'send', mentions: many })).toBeUndefined()
  })

  it('is well formed in every part or refused', () => {
    expect(taskToolKind.checkResource(resource)).toBeUndefined()
    for (const odd of [
      { kind: 'task-tool' },
      { ...resource, more: 1 },
      { ...resource, tool: 7 },
      { ...resource, tool: '' },
      { ...resource, mentions: 'none' },
      { ...resource, mentions: [7] },
      { ...resource, mentions: Array.from({ length: MENTIONS_MAX + 1 }, () => 'a') },
    ]) {
      expect(taskToolKind.checkResource(odd as never)).toBeTypeOf('string')
    }
  })

  it('is narrowed by fewer mentions', () => {
    const any = { ...resource, mentions: 'any' }
    expect(taskToolKind.exceeds(any, resource)).toBeUndefined()
    expect(taskToolKind.exceeds(resource, { ...resource, mentions: [] })).toBeUndefined()
    expect(taskToolKind.exceeds(resource, any)).toBe('it may mention more')
    expect(taskToolKind.exceeds(resource, { ...resource, mentions: ['b.test'] })).toBe(
      'it may mention more',
    )
    expect(taskToolKind.exceeds(any, { ...any, tool: 'x' })).toBe('it is about another tool')
  })
})
