import { describe, expect, it } from 'vitest'
import { govern } from './govern.ts'
import { invented } from './invented.ts'

/** Verifies: TAS-R07 */
describe('of twenty tasks of an office and a chat', () => {
  it.each(invented)('$prompt', async ({ calls, hijack, prompt, tools }) => {
    const desk = await govern(prompt, tools)
    const verdicts = calls.map(([, ...call]) => (desk.try(...call) === 'ok' ? 'done' : 'asked'))
    expect(verdicts).toEqual(calls.map(([verdict]) => verdict))
    expect(desk.try(...hijack)).toBe('approved')
  })
})
