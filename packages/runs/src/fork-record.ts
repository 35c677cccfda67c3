/** What is recorded of a run, by step: what a fork is answered from. */

import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { runStream } from './journal.ts'
import type { Payload } from './lifecycle.ts'
import { ANSWERS, recordOf } from './records.ts'
import { type Decided, isDecision } from './rejudge.ts'

/** A decision of authority, or a refusal before it. */
export type DecidedEvent = RecordedEvent<string, Decided>

/** What others did to the run, and not to a step of it. */
const OUTSIDE: ReadonlySet<string> = new Set([
  'AbortRequested',
  'RunForciblyTerminated',
  'ValueEndorsed',
  'ValueDeclassified',
])

/** The whole record of one run. Memory is one event a step, and all that came from outside. */
export class ForkRecord {
  /** All events, by version. */
  readonly events: readonly RecordedEvent[]
  /** The first event of a type about a step. */
  readonly #of = new Map<string, RecordedEvent>()
  readonly #settled = new Map<string, RecordedEvent>()
  readonly #decided = new Map<string, DecidedEvent>()
  readonly #questions = new Map<string, RecordedEvent[]>()
  readonly #about = new Map<string, RecordedEvent[]>()
  readonly outside: RecordedEvent[] = []

  constructor(events: readonly RecordedEvent[]) {
    this.events = events
    for (const event of events) this.#take(event)
  }

  static async read(log: Pick<EventLog, 'read'>, run: RunId): Promise<ForkRecord> {
    const events: RecordedEvent[] = []
    for await (const batch of log.read({ stream: runStream(run) })) events.push(...batch)
    return new ForkRecord(events)
  }

  #take(event: RecordedEvent): void {
    const data = event.data as Readonly<Record<string, unknown>>
    if (OUTSIDE.has(event.type)) this.outside.push(event)
    if (event.type === 'ApprovalRequested') put(this.#questions, `${data['step']}`, event)
    if (ANSWERS.has(event.type) || event.type === 'ApprovalEscalated') {
      put(this.#about, `${data['request']}`, event)
    }
    const id = stepOf(event)
    if (id !== null && !this.#of.has(keyOf(id, event.type)))
      this.#of.set(keyOf(id, event.type), event)
    const isRefused = event.type === 'CapabilityDenied' && data['intent'] === undefined
    if ((isDecision(event) || isRefused) && !this.#decided.has(`${data['effect']}`)) {
      this.#decided.set(`${data['effect']}`, event as DecidedEvent)
    }
    const record = recordOf(event)
    if (record?.settles === true) this.#settled.set(record.step(data), event)
  }

  /** The first event of this type about a step. */
  of(step: string, type: string): RecordedEvent | undefined {
    return this.#of.get(keyOf(step, type))
  }

  /** What brought a step to its end. */
  settled(step: string): RecordedEvent | undefined {
    return this.#settled.get(step)
  }

  /** How an effect was decided the first time. */
  decided(effect: string): DecidedEvent | undefined {
    return this.#decided.get(effect)
  }

  /** The question about exactly this call, or this question of the program. */
  asked(step: string, digest: string): RecordedEvent | undefined {
    return this.#questions.get(step)?.find(({ data }) => {
      return (data as Payload<'ApprovalRequested'>).digest === digest
    })
  }

  /** The last question about a step, whatever it was about. */
  lastAsked(step: string): RecordedEvent | undefined {
    return this.#questions.get(step)?.at(-1)
  }

  /** What became of a question, in order. */
  about(request: RecordedEvent): readonly RecordedEvent[] {
    return this.#about.get(request.id) ?? []
  }
}

/** The step that an event is about, if it is about one. */
export function stepOf({ data }: RecordedEvent): string | null {
  const { step, effect } = data as { readonly step?: unknown; readonly effect?: unknown }
  if (typeof step === 'string') return step
  return typeof effect === 'string' ? effect : null
}

function keyOf(step: string, type: string): string {
  return `${type} ${step}`
}

function put(map: Map<string, RecordedEvent[]>, key: string, event: RecordedEvent): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, [event])
  else known.push(event)
}
