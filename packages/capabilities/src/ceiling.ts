/**
 * Asking a ceiling: what it is shown, and what is made of its answer.
 *
 * A ceiling is code that decides, so it is taken over by its function: changing the object it was
 * handed in as changes nothing. It is shown a frozen copy of the request, as the chain was held
 * against it, and reads the arguments only if it looks at them.
 */
import { canonicalize, isHash, type JsonValue, parseStrict } from '@ice/primitives'
import { argumentsOf } from './arguments.ts'
import type { Chain } from './chain.ts'
import type { FoundCause } from './denial.ts'
import { CAPABILITIES_CODES, CapabilitiesError } from './errors.ts'
import {
  CEILING_NAME_CHARS_MAX,
  CEILING_VERSION_CHARS_MAX,
  LABELS_NODES_MAX,
  REASON_CHARS_MAX,
} from './limits.ts'
import { deepFreeze, isRecord, own } from './plain.ts'
import type { AuthorityRequest, Ceiling, CeilingVersion, Label } from './ports.ts'
import type { ReadRequest } from './request.ts'
import { clip, clippedList, shown, thrownMessage } from './text.ts'

/** A request and the chain that allows it. */
export interface Asked {
  readonly asked: ReadRequest
  readonly chain: Chain
}

/**
 * A ceiling as it is now, whatever becomes of the object.
 *
 * @throws {CapabilitiesError} `ICE_CAPABILITIES_CEILING_UNSUPPORTED` — its name, version, digest or
 *   judge is none
 */
export function sealCeiling(source: Ceiling): Ceiling {
  const version = sealVersion(source)
  if (typeof source.judge !== 'function') throw unsupported(version)
  return Object.freeze({ ...version, judge: source.judge.bind(source) })
}

/** @throws {CapabilitiesError} `ICE_CAPABILITIES_CEILING_UNSUPPORTED` */
export function sealVersion({ name, version, digest }: CeilingVersion): CeilingVersion {
  const isNamed = isText(name, CEILING_NAME_CHARS_MAX) && isText(version, CEILING_VERSION_CHARS_MAX)
  if (!isNamed || !isHash(digest)) throw unsupported({ name, version, digest })
  return Object.freeze({ name, version, digest })
}

function unsupported({ name, version }: CeilingVersion): CapabilitiesError {
  return new CapabilitiesError(
    CAPABILITIES_CODES.ceilingUnsupported,
    `A ceiling has a name of 1 to ${CEILING_NAME_CHARS_MAX} characters, a version of 1 to ` +
      `${CEILING_VERSION_CHARS_MAX}, a SHA-256 in hex as its digest, and a judge`,
    { name: shown(name), version: shown(version) },
  )
}

function isText(value: unknown, charsMax: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= charsMax
}

/** Why the ceiling refuses, or `undefined` when it permits. Total. */
export function askCeiling(ceiling: Ceiling, { asked, chain }: Asked): FoundCause | undefined {
  try {
    const verdict: unknown = ceiling.judge({
      request: shownRequest(asked),
      chain: chain.links.map(({ grant }) => grant),
    })
    return refusalOf(ceiling, verdict)
  } catch (error) {
    return failed(ceiling, `it failed: ${clip(thrownMessage(error), REASON_CHARS_MAX)}`)
  }
}

/** The request as it was read, so that a ceiling sees what the chain was held against. */
function shownRequest(asked: ReadRequest): AuthorityRequest {
  const { run, agent, session, principal, tool, grant, action, argumentsDigest } = asked
  const { at, callDigest } = asked
  return Object.freeze({
    run,
    grant,
    action,
    resource: deepFreeze(asked.claim),
    argumentsDigest,
    at,
    callDigest,
    ...(agent === undefined ? {} : { agent }),
    ...(session === undefined ? {} : { session }),
    ...(principal === undefined ? {} : { principal }),
    ...(tool === undefined ? {} : { tool }),
    ...(asked.bounds.size === 0 ? {} : { bounds: Object.freeze(Object.fromEntries(asked.bounds)) }),
    get arguments(): JsonValue {
      const reading = argumentsOf(asked)
      if ('fault' in reading) throw new TypeError(reading.fault)
      return deepFreeze(reading.ok)
    },
    get labels(): Readonly<Record<string, Label>> {
      return labelsOf(asked)
    },
  })
}

/** None where none were given: then everything is of unknown source. */
function labelsOf({ labels }: ReadRequest): Readonly<Record<string, Label>> {
  const text = canonicalize(labels ?? {})
  const copy: unknown = parseStrict(text, { nodesMax: LABELS_NODES_MAX })
  return deepFreeze(copy as Readonly<Record<string, Label>>)
}

function refusalOf(ceiling: Ceiling, verdict: unknown): FoundCause | undefined {
  if (!isRecord(verdict)) return failed(ceiling, 'it gave no verdict')
  const [permits, policies] = [own(verdict, 'permits'), own(verdict, 'policies')]
  if (!isPolicyList(policies)) return failed(ceiling, 'it does not say which policies decided')
  if (permits === true) return undefined
  const reason = own(verdict, 'reason')
  if (permits !== false || typeof reason !== 'string') return failed(ceiling, 'it gave no verdict')
  return {
    code: CAPABILITIES_CODES.ceilingRefused,
    message: `The policy ${shown(ceiling.name)} refuses: ${clip(reason, REASON_CHARS_MAX)}`,
    data: {
      ...dataOf(ceiling, 'policy'),
      because: clip(reason, REASON_CHARS_MAX),
      policies: clippedList(policies),
    },
  }
}

function isPolicyList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string')
}

function failed(ceiling: Ceiling, why: string): FoundCause {
  return {
    code: CAPABILITIES_CODES.ceilingRefused,
    message: `The policy ${shown(ceiling.name)} cannot be asked: ${why}`,
    data: { ...dataOf(ceiling, 'failed'), because: why },
  }
}

function dataOf({ name, version, digest }: Ceiling, reason: string): FoundCause['data'] {
  return { reason, name: clip(name), version: clip(version), digest }
}
