import { describe, expect, it } from 'vitest'
import { checkLinearizable } from '../../src/linearizability/checker.ts'
import type { Operation } from '../../src/linearizability/history.ts'
import {
  keyedModel,
  parseJepsen,
  parseKeyed,
  type RegisterInput,
  type RegisterOutput,
  registerModel,
} from '../../src/linearizability/recorded.ts'

type Register = Operation<RegisterInput, RegisterOutput>

const write = (value: number, called: number, returned: number): Register => ({
  input: { kind: 'write', value },
  output: { kind: 'done' },
  called,
  returned,
})

const read = (value: number | null, called: number, returned: number): Register => ({
  input: { kind: 'read' },
  output: { kind: 'value', value },
  called,
  returned,
})

const verdict = (history: readonly Register[]): string =>
  checkLinearizable(registerModel, history).kind

describe('the checker', () => {
  it('finds an order of operations that overlap', () => {
    expect(verdict([])).toBe('linearizable')
    expect(verdict([write(1, 1, 4), write(2, 2, 5), read(1, 6, 7)])).toBe('linearizable')
    expect(verdict([write(1, 1, 9), read(null, 2, 3), read(1, 4, 5)])).toBe('linearizable')
  })

  it('finds that there is none, and says how far it came', () => {
    expect(verdict([write(1, 1, 2), read(null, 3, 4)])).toBe('not-linearizable')
    expect(verdict([write(1, 1, 9), read(1, 2, 3), read(null, 4, 5)])).toBe('not-linearizable')
    const history = [write(1, 1, 2), write(2, 3, 4), read(1, 5, 6)]
    expect(checkLinearizable(registerModel, history)).toEqual({
      kind: 'not-linearizable',
      part: history,
      longest: [0, 1],
    })
  })

  it('holds operations that touch at one instant to be at the same time', () => {
    expect(verdict([write(1, 1, 2), read(null, 2, 3)])).toBe('linearizable')
  })

  it('lets what was never answered have happened at any time after its call, or never', () => {
    const lost: Register = { ...write(7, 3, Infinity), output: { kind: 'unknown' } }
    expect(verdict([write(1, 1, 2), lost, read(1, 4, 5), read(7, 6, 7)])).toBe('linearizable')
    expect(verdict([write(1, 1, 2), lost, read(1, 4, 5), read(1, 6, 7)])).toBe('linearizable')
    expect(verdict([write(1, 1, 2), read(7, 1, 2), lost])).toBe('not-linearizable')
    expect(verdict([lost, read(7, 4, 5), read(null, 6, 7)])).toBe('not-linearizable')
  })

  it('gives no verdict when its steps are used up', () => {
    const history = Array.from({ length: 12 }, (_, value) => write(value, 1, 2))
    const stuck = [...history, read(99, 3, 4)]
    expect(checkLinearizable(registerModel, stuck, { stepsMax: 100 }).kind).toBe('undecided')
    expect(checkLinearizable(registerModel, stuck).kind).toBe('not-linearizable')
  })

  it('tells keys apart', () => {
    const text = [
      '{:process 1, :type :invoke, :f :append, :key "a", :value "x"}',
      '{:process 2, :type :invoke, :f :get, :key "b", :value nil}',
      '{:process 1, :type :ok, :f :append, :key "a", :value "x"}',
      '{:process 2, :type :ok, :f :get, :key "b", :value ""}',
      '{:process 2, :type :invoke, :f :get, :key "a", :value nil}',
      '{:process 2, :type :ok, :f :get, :key "a", :value "y"}',
    ].join('\n')
    const found = checkLinearizable(keyedModel, parseKeyed(text))
    expect(found.kind === 'not-linearizable' && found.part.map(({ input }) => input.kind)).toEqual([
      'append',
      'get',
    ])
  })

  it('reads what Jepsen wrote', () => {
    const lines = [
      'INFO  jepsen.util - 4\t:invoke\t:read\tnil',
      'INFO  jepsen.util - 1\t:invoke\t:cas\t[1 2]',
      'INFO  jepsen.core - something else',
      'INFO  jepsen.util - 4\t:ok\t:read\t3',
      'INFO  jepsen.util - 1\t:info\t:cas\t:timed-out',
    ]
    expect(parseJepsen(lines.join('\n'))).toEqual([
      { ...read(3, 1, 3), output: { kind: 'value', value: 3 } },
      {
        input: { kind: 'cas', from: 1, to: 2 },
        output: { kind: 'unknown' },
        called: 2,
        returned: Infinity,
      },
    ])
  })
})
