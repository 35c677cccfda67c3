/**
 * A program that does not follow its record, told so that a person sees what to do about it: what
 * is recorded at this place, what the program asks for now, and which of its ids are the nearest.
 *
 * Both sides stand in `data` for programs and in the message for people; both are bounded.
 */

import type { RecordedEvent } from '@ice/events/ports'
import type { JsonObject, JsonValue } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import { DIVERGED_STEPS_MAX, NEAR_ID_CHARACTERS_MAX } from './limits.ts'
import type { Ask, Step } from './steps.ts'
import { sealValue } from './value.ts'

/** Where a program left its record. */
export interface Fork {
  /** The step that the record has here. */
  readonly step: string
  readonly why: string
  /** What is recorded; `null` where nothing of the program is. */
  readonly event: RecordedEvent | null
  /** What the program asks for now. */
  readonly asked: readonly Step[]
}

/** Tells both sides. */
export function divergence({ step, why, event, asked }: Fork): RunsError {
  const recorded = event === null ? null : recordedSide(event, step)
  const own = asked.find(({ id }) => id === step)
  const near = nearest(step, asked)
  const sides = (own === undefined ? near : [own, ...near.filter((each) => each !== own)]).map(
    ({ id, ask }) => ({ step: id, ...askedSide(ask) }),
  )
  const [first] = own === undefined ? [] : sides
  const lines = [
    `The program does not follow its record at "${step.slice(0, 256)}": ${why}`,
    `  recorded:  ${recorded === null ? 'nothing' : lineOf(recorded)}`,
    `  asked now: ${first === undefined ? 'nothing of this name' : lineOf(first)}`,
    `  nearest:   ${near.map(({ id }) => `"${id.slice(0, 64)}"`).join(', ') || 'no step is open'}`,
    'It is not the program that began this run; release the run to go on with that one',
  ]
  const data: JsonObject = { step: step.slice(0, 512), why, recorded, asked: sides }
  return new RunsError(RUNS_CODES.diverged, lines.join('\n'), data)
}

/** Members of events that say what was asked for; the rest is what came of it. */
const TELLING = [
  ...['action', 'argumentsDigest', 'grant', 'due', 'signal', 'name', 'types', 'reference'],
  ...['reason', 'scopes', 'digest', 'expiresAt'],
] as const

function recordedSide({ id, type, data }: RecordedEvent, step: string): JsonObject {
  const members = data as Readonly<Record<string, JsonValue>>
  const told = TELLING.flatMap((name) => {
    return Object.hasOwn(members, name) ? [[name, short(members[name] as JsonValue)] as const] : []
  })
  return { event: id, type, step: step.slice(0, 256), ...Object.fromEntries(told) }
}

function askedSide(ask: Ask): JsonObject {
  switch (ask.kind) {
    case 'effect': {
      const { action, grant, arguments: args } = ask.request
      return { kind: ask.kind, action, grant, argumentsDigest: sealValue(args).digest }
    }
    case 'timer':
      return { kind: ask.kind, due: ask.due }
    case 'signal':
      return { kind: ask.kind, signal: ask.signal, expiresAt: ask.expiresAt }
    case 'event':
      return { kind: ask.kind, types: short([...ask.types]), expiresAt: ask.expiresAt }
    case 'question':
      return { kind: ask.kind, prompt: short(ask.question.prompt) }
    case 'proposal':
      return { kind: ask.kind, agent: ask.proposal.agent, reason: short(ask.proposal.reason) }
    default:
      return { kind: ask.kind }
  }
}

function short(value: JsonValue): JsonValue {
  if (typeof value === 'string') return value.length > 128 ? `${value.slice(0, 128)}…` : value
  return Array.isArray(value) ? value.slice(0, 8).map(short) : value
}

function lineOf(side: JsonObject): string {
  const members = Object.entries(side).map(([name, value]) => {
    return `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`
  })
  return members.join(', ').slice(0, 512)
}

/** The open steps whose ids are most like this one: what a renamed step is now called. */
function nearest(id: string, asked: readonly Step[]): readonly Step[] {
  return asked
    .slice(0, 256)
    .map((step) => ({ step, distance: distanceOf(id, step.id) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, DIVERGED_STEPS_MAX)
    .map(({ step }) => step)
}

/** How many characters one text differs from another in, by insertion, removal and change. */
function distanceOf(one: string, other: string): number {
  const a = one.slice(-NEAR_ID_CHARACTERS_MAX)
  const b = other.slice(-NEAR_ID_CHARACTERS_MAX)
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
