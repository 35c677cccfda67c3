/**
 * What the log says of the run: read from its events alone, in one pass, whatever a process told.
 *
 * Memory is bounded by what was recorded before the kill, which the demonstration bounds itself.
 */

import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { EventId, RunId, StreamId } from '@ice/primitives'

/** An effect that was refused. */
export interface Refused {
  readonly step: string
  readonly action: string
  readonly code: string
  readonly reason: string
  readonly event: EventId
}

/** What is read from the events of a run. */
export interface RunRecord {
  readonly events: number
  /** Effects that were allowed, by the number of their intents' ids. */
  readonly allowed: number
  readonly approved: number
  readonly failed: number
  readonly refused: readonly Refused[]
  /** Bytes that file reads say they read. */
  readonly bytesRead: number
  /** Outcomes that stood in the log when another process took over. */
  readonly replayed: number
  /** Reads among them. */
  readonly readsBefore: ReadonlySet<string>
  /** Effects in flight at the kill that were tried again. */
  readonly repeated: readonly string[]
  /** Reads that had an outcome and were tried again nevertheless: none. */
  readonly rereads: readonly string[]
  readonly claims: number
  readonly conclusions: readonly string[]
  readonly lastType: string
  /** The intent that `why` is asked about. */
  readonly example: EventId | null
}

interface Data {
  readonly effect?: string
  readonly attempt?: number
  readonly action?: string
  readonly approval?: string
  readonly observed?: { readonly bytes?: number }
  readonly grants?: readonly { readonly grant: string; readonly name: string }[]
  readonly denial?: { readonly code: string; readonly message: string }
}

const CONCLUSIONS: readonly string[] = ['RunCommitted', 'RunAborted', 'RunForciblyTerminated']

/** Reads a run's record. */
export async function readRecord(log: EventLog, run: RunId): Promise<RunRecord> {
  const reading = new Reading()
  for await (const batch of log.read({ stream: `run/${run}` as StreamId })) {
    for (const event of batch) reading.take(event)
  }
  return reading
}

class Reading implements RunRecord {
  events = 0
  allowed = 0
  approved = 0
  failed = 0
  bytesRead = 0
  replayed = 0
  claims = 0
  lastType = ''
  example: EventId | null = null
  readonly refused: Refused[] = []
  readonly readsBefore: Set<string> = new Set()
  readonly repeated: string[] = []
  readonly rereads: string[] = []
  readonly conclusions: string[] = []

  readonly #grants: (readonly [string, string])[] = []

  /** A text in which grants go by the names they have in the run. */
  #named(text: string): string {
    // Not within the id of an event: that is looked up as it stands.
    const shown = (said: string, [id, name]: readonly [string, string]): string =>
      said.replaceAll(new RegExp(`(?<!/)${id}`, 'g'), `"${name}"`)
    return this.#grants.reduce(shown, text)
  }

  take(event: RecordedEvent): void {
    const data = event.data as Data
    for (const { grant, name } of event.type === 'RunCreated' ? (data.grants ?? []) : []) {
      this.#grants.push([grant, name])
    }
    this.events += 1
    this.lastType = event.type
    if (CONCLUSIONS.includes(event.type)) this.conclusions.push(event.type)
    if (event.type === 'RunClaimed') this.claims += 1
    if (event.type === 'CapabilityUsed') this.#intent(event, data)
    else if (event.type === 'CapabilityDenied') this.#refusal(event, data)
    else if (data.effect !== undefined) this.#outcome(event.type, data)
  }

  #intent({ id }: RecordedEvent, { effect = '', attempt = 1, approval }: Data): void {
    if (attempt === 1) this.allowed += 1
    else this.repeated.push(effect)
    if (approval !== undefined) this.approved += 1
    if (this.readsBefore.has(effect) && this.claims > 0) this.rereads.push(effect)
    const isRead = effect.startsWith('read')
    if (this.example === null || (isRead && this.#exampleIsNoRead)) {
      this.example = id
      this.#exampleIsNoRead = !isRead
    }
  }

  #exampleIsNoRead = false

  #refusal({ id }: RecordedEvent, { effect: step = '', action = '', denial }: Data): void {
    const { code = '', message: reason = '' } = denial ?? {}
    this.refused.push({ step, action, code, reason: this.#named(reason), event: id })
    this.#settled(step)
  }

  #outcome(type: string, { effect = '', observed }: Data): void {
    if (type === 'EffectInDoubt' || type === 'EffectDoubtResolved') return
    if (type === 'EffectFailed') this.failed += 1
    if (type === 'FileRead') this.bytesRead += observed?.bytes ?? 0
    this.#settled(effect)
  }

  #settled(effect: string): void {
    if (this.claims > 0) return
    this.replayed += 1
    if (effect.startsWith('read')) this.readsBefore.add(effect)
  }
}
