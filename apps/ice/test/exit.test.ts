import { CAPABILITIES_CODES } from '@ice/capabilities'
import { EVENTS_CODES } from '@ice/events'
import { RUNS_CODES } from '@ice/runs'
import { describe, expect, it } from 'vitest'
import { CLI_CODES } from '../src/errors.ts'
import { EXIT, exitOf, exitOfCode, exitOfSignal, worstExit } from '../src/exit.ts'

/** Verifies: CLI-R01 */
describe('exit codes', () => {
  it('follow from the family of the error code', () => {
    const told: Readonly<Record<string, number>> = {
      [CLI_CODES.usage]: EXIT.usage,
      [CLI_CODES.runNotFound]: EXIT.notFound,
      [CLI_CODES.owned]: EXIT.conflict,
      [CLI_CODES.output]: EXIT.unexpected,
      [RUNS_CODES.notFound]: EXIT.notFound,
      [RUNS_CODES.keyConflict]: EXIT.conflict,
      [RUNS_CODES.inputInvalid]: EXIT.usage,
      [RUNS_CODES.concluded]: EXIT.conflict,
      [RUNS_CODES.valueLimit]: EXIT.usage,
      [CAPABILITIES_CODES.notRevocable]: EXIT.denied,
      [CAPABILITIES_CODES.escalation]: EXIT.denied,
      [CAPABILITIES_CODES.grantUnsupported]: EXIT.usage,
      [EVENTS_CODES.corrupt]: EXIT.unverified,
      [EVENTS_CODES.unavailable]: EXIT.unexpected,
      [EVENTS_CODES.futureSchema]: EXIT.unexpected,
      ICE_EVENTS_SQLITE_FORMAT_UNSUPPORTED: EXIT.unexpected,
    }
    const given = Object.fromEntries(Object.keys(told).map((code) => [code, exitOfCode(code)]))
    expect(given).toEqual(told)
  })

  it('are 1 for everything else', () => {
    expect([
      exitOf(new TypeError('x')),
      exitOf(null),
      exitOf('x'),
      exitOf({ code: 'ENOENT' }),
    ]).toEqual([1, 1, 1, 1])
  })

  it('of several are the one that asks for attention most', () => {
    expect(worstExit([])).toBe(0)
    expect(worstExit([0, 7, 0])).toBe(7)
    expect(worstExit([7, 4, 8, 0])).toBe(8)
    expect(worstExit([8, 5, 130])).toBe(130)
    expect([exitOfSignal('SIGINT'), exitOfSignal('SIGTERM')]).toEqual([130, 143])
  })
})
