/**
 * Histories that others recorded, with the models they were recorded for: registers of etcd as
 * Jepsen wrote them down, and a key-value store. What a checker says of them is held against the
 * verdicts that came with them, before it is believed about anything of ours.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkLinearizable } from './checker.ts'
import type { Model, Operation } from './history.ts'

/** An operation on one register; `null` is a register that was never written. */
export type RegisterInput =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly value: number }
  | { readonly kind: 'cas'; readonly from: number; readonly to: number }

/** What it was answered; `unknown` for one that timed out. */
export type RegisterOutput =
  | { readonly kind: 'value'; readonly value: number | null }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'unknown' }

/** One register with compare-and-set. */
export const registerModel: Model<number | null, RegisterInput, RegisterOutput> = {
  initial: () => null,
  step(state, input, output) {
    const isUnknown = output.kind === 'unknown'
    if (input.kind === 'write') return input.value
    if (input.kind === 'read') {
      return isUnknown || (output.kind === 'value' && output.value === state) ? state : undefined
    }
    const fits = input.from === state
    if (!isUnknown && fits !== (output.kind === 'done')) return undefined
    return fits ? input.to : state
  },
  key: String,
}

/** An operation on one of many texts. */
export interface KeyedInput {
  readonly kind: 'get' | 'put' | 'append'
  readonly key: string
  readonly value: string
}

/** A key-value store of texts: each key is a history of its own. */
export const keyedModel: Model<string, KeyedInput, string> = {
  initial: () => '',
  step(state, { kind, value }, output) {
    if (kind === 'get') return output === state ? state : undefined
    return kind === 'put' ? value : state + value
  },
  key: (state) => state,
  partition: (history) => [...Map.groupBy(history, ({ input }) => input.key).values()],
}

const JEPSEN = /^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(\w+)\s+:(\w+)\s+(.+?)\s*$/

/** Reads a log of Jepsen's etcd test. Lines that are about something else are passed over. */
export const parseJepsen = (text: string): readonly Operation<RegisterInput, RegisterOutput>[] => {
  const collected = collector<RegisterInput, RegisterOutput>()
  for (const line of text.split('\n')) {
    const [, client, type, verb, value = ''] = JEPSEN.exec(line) ?? []
    if (client === undefined || type === undefined || verb === undefined) continue
    if (type === 'invoke') collected.call(client, registerInput(verb, value))
    // An operation that timed out may take effect at any later time; a read has none.
    else if (type === 'info' || value === ':timed-out') {
      if (verb === 'read') collected.answer(client, { kind: 'unknown' })
      else collected.lose(client)
    } else collected.answer(client, registerOutput(type, verb, value))
  }
  return collected.finish({ kind: 'unknown' })
}

const registerInput = (verb: string, value: string): RegisterInput => {
  if (verb === 'read') return { kind: 'read' }
  const [first = Number.NaN, second = Number.NaN] = (value.match(/\d+/g) ?? []).map(Number)
  return verb === 'cas' ? { kind: 'cas', from: first, to: second } : { kind: 'write', value: first }
}

const registerOutput = (type: string, verb: string, value: string): RegisterOutput => {
  if (type === 'fail') return { kind: 'failed' }
  if (verb !== 'read') return { kind: 'done' }
  return { kind: 'value', value: value === 'nil' ? null : Number(value) }
}

const KEYED = /^\{:process (\d+), :type :(\w+), :f :(\w+), :key "(.*)", :value (nil|".*")\}\s*$/

/** Reads a history of the key-value store. */
export const parseKeyed = (text: string): readonly Operation<KeyedInput, string>[] => {
  const collected = collector<KeyedInput, string>()
  for (const line of text.split('\n')) {
    const [, client, type, verb, key = '', quoted = 'nil'] = KEYED.exec(line) ?? []
    if (client === undefined) continue
    const value = quoted === 'nil' ? '' : quoted.slice(1, -1)
    if (type !== 'invoke') collected.answer(client, value)
    else collected.call(client, { kind: verb as KeyedInput['kind'], key, value })
  }
  return collected.finish('')
}

/** Pairs calls with answers; the place of a line is its time. */
const collector = <I, O>() => {
  const history: Operation<I, O>[] = []
  const open = new Map<string, { readonly input: I; readonly called: number }>()
  const lost: { readonly input: I; readonly called: number }[] = []
  let time = 0
  const take = (client: string) => {
    const found = open.get(client)
    if (found === undefined) throw new TypeError(`client ${client} is answered what it never asked`)
    open.delete(client)
    return found
  }
  return {
    call(client: string, input: I): void {
      time += 1
      open.set(client, { input, called: time })
    },
    answer(client: string, output: O): void {
      time += 1
      history.push({ ...take(client), output, returned: time })
    },
    lose(client: string): void {
      lost.push(take(client))
    },
    finish(output: O): readonly Operation<I, O>[] {
      const unanswered = [...lost, ...open.values()]
      const returned = Number.POSITIVE_INFINITY
      return [...history, ...unanswered.map((each) => ({ ...each, output, returned }))]
    },
  }
}

/** Whether the checker finds what is known of a recorded history. */
export interface RecordedVerdict {
  readonly name: string
  readonly wanted: boolean
  readonly found: 'linearizable' | 'not-linearizable' | 'undecided'
}

/** Checks every recorded history of a folder of vectors; those that are held back are not there. */
export const checkRecorded = (folder: string): readonly RecordedVerdict[] => {
  const verdicts = JSON.parse(readFileSync(join(folder, 'verdicts.json'), 'utf8')) as Readonly<
    Record<string, boolean>
  >
  return Object.entries(verdicts).map(([name, wanted]) => {
    const text = readFileSync(join(folder, name), 'utf8')
    const { kind } = name.startsWith('jepsen/')
      ? checkLinearizable(registerModel, parseJepsen(text))
      : checkLinearizable(keyedModel, parseKeyed(text))
    return { name, wanted, found: kind }
  })
}

/** Those of which the checker says something else than is known. */
export const misjudged = (verdicts: readonly RecordedVerdict[]): readonly RecordedVerdict[] =>
  verdicts.filter(({ wanted, found }) => (wanted ? 'linearizable' : 'not-linearizable') !== found)
