/**
 * Steps in words: what a program asks for, and what is recorded of one, in the same members, so
 * that the two can be laid side by side.
 */

import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import { canonicalize, type JsonObject, type JsonValue } from '@ice/primitives'
import type { Payload } from './lifecycle.ts'
import { NEAREST_CHARACTERS_MAX, NEAREST_MAX, NEAREST_OF_MAX, TOLD_BYTES_MAX } from './limits.ts'
import type { Ask, Step } from './steps.ts'
import { asRecorded, digestOfRef, sealValue } from './value.ts'

/** A step that a program asks for. */
export interface AskedStep {
  readonly step: string
  readonly kind: Ask['kind']
  /** What it asks, by the names that the record has for it. */
  readonly asks: JsonObject
}

/** An event about a step, by the same names. */
export interface RecordedStep {
  readonly step: string
  readonly event: string
  readonly type: string
  readonly says: JsonObject
}

/** What a program asks for with a step. */
export function askedStep({ id, ask }: Step): AskedStep {
  return { step: id, kind: ask.kind, asks: membersOf(ask) }
}

function membersOf(ask: Ask): JsonObject {
  switch (ask.kind) {
    case 'effect': {
      const { action, grant, arguments: args } = ask.request
      const { digest } = sealValue(args)
      const held = ask.hold ? { held: true } : {}
      return { action, grant, argumentsDigest: digest, ...told('arguments', args), ...held }
    }
    case 'reveal':
      return { reference: ask.id, value: ask.digest, ...(ask.at === '' ? {} : { at: ask.at }) }
    case 'proposal': {
      const { agent, reason, content } = ask.proposal
      return { agent, reason, ...told('proposal', content) }
    }
    case 'question':
      return { prompt: ask.question.prompt }
    default: {
      const { kind: _kind, ...members } = ask
      return asRecorded(members) as unknown as JsonObject
    }
  }
}

/** What an event says of a step; nothing of others, and nothing that is only bookkeeping. */
export function recordedStep(event: RecordedEvent, step: string): RecordedStep {
  return { step, event: event.id, type: event.type, says: saidBy(event) }
}

function saidBy({ type, data, origin }: RecordedEvent): JsonObject {
  switch (type) {
    case 'CapabilityUsed': {
      const { action, argumentsDigest, arguments: args, held } = data as Payload<'CapabilityUsed'>
      const given = inlineOf('arguments', args as ValueRef)
      return { action, argumentsDigest, ...given, ...(held === true ? { held } : {}) }
    }
    case 'CapabilityDenied': {
      const { action, argumentsDigest, denial } = data as Payload<'CapabilityDenied'>
      return { action, argumentsDigest, code: denial.code }
    }
    case 'DecisionProposed': {
      const { reason, proposal } = data as Payload<'DecisionProposed'>
      const content = inlineOf('proposal', proposal as ValueRef)
      return { agent: origin.replace(/^agent:/, ''), reason, ...content }
    }
    case 'ApprovalRequested':
      return { prompt: (data as Payload<'ApprovalRequested'>).prompt }
    default: {
      const members = Object.entries(data as JsonObject).flatMap(([name, value]) => {
        if (UNTOLD.has(name)) return []
        return name === 'result' ? [['result', resultOf(value)] as const] : [[name, value] as const]
      })
      return Object.fromEntries(members) as JsonObject
    }
  }
}

/** Where an event stands, whose it is, and what follows from what is told. */
const UNTOLD: ReadonlySet<string> = new Set(['step', 'effect', 'intent', 'label', 'observed'])

function resultOf(value: JsonValue | undefined): JsonValue {
  const ref = value as ValueRef
  const shown = inlineOf('value', ref)
  return 'value' in shown ? shown['value'] : digestOfRef(ref)
}

function inlineOf(name: string, ref: ValueRef): JsonObject {
  return 'inline' in ref ? told(name, ref.inline) : {}
}

/** Values are told while they are small; larger ones are told apart by their digests. */
function told(name: string, value: JsonValue): JsonObject {
  return canonicalize(value).length <= TOLD_BYTES_MAX ? { [name]: value } : {}
}

/** Those whose ids are most like this one, the most alike first. */
export function nearest(id: string, steps: readonly Step[]): readonly AskedStep[] {
  const ranked = steps
    .slice(0, NEAREST_OF_MAX)
    .filter((step) => step.id !== id)
    .map((step) => ({ step, far: distance(id, step.id) }))
  ranked.sort((a, b) => a.far - b.far)
  return ranked.slice(0, NEAREST_MAX).map(({ step }) => askedStep(step))
}

/** How many letters have to be changed, added or left out to make one of the other. */
function distance(a: string, b: string): number {
  const [from, to] = [a.slice(0, NEAREST_CHARACTERS_MAX), b.slice(0, NEAREST_CHARACTERS_MAX)]
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= to.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[to.length] ?? 0
}
