import { describe, expect, it } from 'vitest'
import { govern } from './govern.ts'
import { invented, later } from './invented.ts'

/** Verifies: TAS-R07 */
describe('of tasks of an office and a chat', () => {
  it.each([...invented, ...later])('$prompt', async ({ calls, hijack, prompt, tools }) => {
    const desk = await govern(prompt, tools)
    const verdicts = calls.map(([, ...call]) => (desk.try(...call) === 'ok' ? 'done' : 'asked'))
    expect(verdicts).toEqual(calls.map(([verdict]) => verdict))
    expect(desk.try(...hijack)).toBe('approved')
  })
})
