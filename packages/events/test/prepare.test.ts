/** Verifies: EVT-R16, EVT-R17, EVT-R19 */
import { leafHash } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { prepareUnit } from '../src/gateway.ts'
import { judge } from '../src/judge.ts'
import type { NewEvent, PreparedEvent } from '../src/ports.ts'
import { isPrepared } from '../src/prepare.ts'
import { testTaxonomy } from '../src/testing/index.ts'
import { at, NOON, noted, toStream } from './fixtures.ts'

const taxonomy = testTaxonomy()

function prepared(event: NewEvent, now = NOON, name = 'a'): PreparedEvent {
  const clock = { now: () => at(now) }
  const [write] = prepareUnit(toStream(name, event), { taxonomy, clock }).writes
  return write?.events[0] as PreparedEvent
}

describe('a prepared event', () => {
  test('is sealed with a version, and with a time that does not lie before the floor', () => {
    const event = prepared(noted(1))
    for (const [floor, time] of [
      [0, NOON],
      [NOON, NOON],
      [NOON + 9, NOON + 9],
    ] as const) {
      const sealed = event.seal(3, floor)
      expect(sealed.time).toBe(time)
      expect(event.timeAfter(floor)).toBe(time)
      expect(JSON.parse(sealed.bytes)).toMatchObject({ version: 3, time })
      expect(sealed.hash).toBe(leafHash(sealed.bytes))
    }
    expect(prepared(noted(1, { time: at(5) })).seal(1, 9).time).toBe(5)
  })

  test('knows its own bytes, whatever time was assigned to them', () => {
    const { bytes } = prepared(noted(1)).seal(2, 0)
    expect(prepared(noted(1), NOON + 77).matches(2, bytes)).toBe(true)
    expect(prepared(noted(1, { time: at(NOON) })).matches(2, bytes)).toBe(true)
    expect(prepared(noted(1, { time: at(NOON + 1) })).matches(2, bytes)).toBe(false)
  })

  test('knows no other bytes', () => {
    const event = prepared(noted(1))
    const { bytes } = event.seal(2, 0)
    const others = [
      prepared(noted(2)).seal(2, 0).bytes,
      prepared(noted(1)).seal(1, 0).bytes,
      prepared(noted(1)).seal(22, 0).bytes,
      prepared(noted(1), NOON, 'b').seal(2, 0).bytes,
      prepared(noted(1, { cost: {} })).seal(2, 0).bytes,
      prepared(noted(1, { causes: ['test/a@1' as never] })).seal(2, 0).bytes,
      bytes.replace(String(NOON), ''),
      bytes.replace(String(NOON), `${NOON}.5`),
      bytes.replace(String(NOON), `"${NOON}"`),
      bytes.replace(String(NOON), `${NOON},"time":${NOON}`),
      `${bytes} `,
      '',
    ]
    expect(event.matches(2, bytes)).toBe(true)
    expect(others.filter((other) => event.matches(2, other))).toEqual([])
  })

  test('is told from everything else', () => {
    const event = prepared(noted(1))
    expect(isPrepared(event)).toBe(true)
    const others = [
      undefined,
      null,
      7,
      'x',
      {},
      { ...event },
      Object.create(event),
      new Proxy(event, {}),
    ]
    expect(others.filter(isPrepared)).toEqual([])
  })
})

test('a unit is judged against the ledger alone, and the same way twice', () => {
  const clock = { now: () => at(NOON) }
  const unit = prepareUnit(toStream('a', noted(1), noted(2)), { taxonomy, clock })
  const ledger = { head: () => ({ version: 4, time: NOON + 2 }), hasBlob: () => false }
  const first = judge(unit, ledger, NOON)
  expect(judge(unit, ledger, NOON)).toEqual(first)
  expect(first).toMatchObject({ kind: 'fits', writes: [{ stream: 'test/a', from: 4 }] })
})
