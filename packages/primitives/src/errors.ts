/**
 * The codes of this package, one class each; what is common to all errors is in `ice-error.ts`.
 */
import { IceError } from './ice-error.ts'

export { type ErrorRecord, errorRecord, UNCODED } from './error-record.ts'
export { hasCode, IceError, type IceErrorInit, invariant } from './ice-error.ts'

/** `ICE_PRIMITIVES_ID_INVALID`: text that is not an id of the kind asked for. */
export class InvalidIdError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_ID_INVALID'

  /** `value` is shown clipped, to be found again in a log. */
  constructor(init: { readonly kind: string; readonly grammar: string; readonly value: string }) {
    super({
      code: 'ICE_PRIMITIVES_ID_INVALID',
      message: `not a ${init.kind}: ${init.value} (${init.grammar})`,
      data: { kind: init.kind, value: init.value },
    })
  }
}

/** `ICE_PRIMITIVES_NUMBER_INVALID`: not a safe integer of zero or more. */
export class InvalidNumberError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_NUMBER_INVALID'

  /** `value` is the number as text, because JSON has no NaN. */
  constructor(init: { readonly kind: string; readonly value: string }) {
    super({
      code: 'ICE_PRIMITIVES_NUMBER_INVALID',
      message: `not a ${init.kind}: ${init.value} is no safe integer of zero or more`,
      data: { kind: init.kind, value: init.value },
    })
  }
}

/** `ICE_PRIMITIVES_ABORTED`: the caller's signal ended a wait. */
export class AbortedError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_ABORTED'

  /** `cause` is the reason the signal was given. */
  constructor(init: { readonly cause?: unknown }) {
    super({ code: 'ICE_PRIMITIVES_ABORTED', message: 'the wait was aborted', ...init })
  }
}

/** `ICE_PRIMITIVES_TEXT_UNSUPPORTED`: text with a lone surrogate, which has no UTF-8 bytes. */
export class TextUnsupportedError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_TEXT_UNSUPPORTED'

  /** `operation` names what was to be done with the text. */
  constructor(init: { readonly operation: string }) {
    super({
      code: 'ICE_PRIMITIVES_TEXT_UNSUPPORTED',
      message: `${init.operation} refuses text with a lone surrogate`,
      data: { operation: init.operation, reason: 'lone_surrogate' },
    })
  }
}

/** Why a value has no canonical JSON. */
export type CanonicalReason =
  | 'not_finite'
  | 'unsafe_integer'
  | 'lone_surrogate'
  | 'undefined'
  | 'function'
  | 'symbol'
  | 'bigint'
  | 'not_plain'
  | 'redacted'
  | 'cycle'

/** `ICE_PRIMITIVES_CANONICAL_UNSUPPORTED`: a value that canonical JSON cannot hold. */
export class CanonicalUnsupportedError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_CANONICAL_UNSUPPORTED'

  /** `pointer` is the RFC 6901 JSON pointer of the place; the empty text is the whole value. */
  constructor(init: { readonly reason: CanonicalReason; readonly pointer: string }) {
    super({
      code: 'ICE_PRIMITIVES_CANONICAL_UNSUPPORTED',
      message: `no canonical JSON for ${init.reason} at "${init.pointer}"`,
      data: { reason: init.reason, pointer: init.pointer },
    })
  }
}

/** `ICE_PRIMITIVES_CANONICAL_LIMIT`: a value too deep or too large for canonical JSON. */
export class CanonicalLimitError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_CANONICAL_LIMIT'

  /** `limit` names the bound, `max` is its value. */
  constructor(init: {
    readonly limit: 'depth' | 'nodes'
    readonly max: number
    readonly pointer: string
  }) {
    super({
      code: 'ICE_PRIMITIVES_CANONICAL_LIMIT',
      message: `more ${init.limit} than ${init.max} at "${init.pointer}"`,
      data: { limit: init.limit, max: init.max, pointer: init.pointer },
    })
  }
}

/** Where in a text JSON was refused. */
export interface JsonPlace {
  /** How far into the text, from 0. */
  readonly offset: number
  /** What `offset` counts: bytes of what was given as bytes, UTF-16 units of a string. */
  readonly unit: 'byte' | 'char'
}

/** Why a text is not JSON. */
export type JsonCorruptReason = 'utf8' | 'bom' | 'syntax' | 'control_character' | 'end'

/** `ICE_PRIMITIVES_JSON_CORRUPT`: a text that is not JSON (RFC 8259) in UTF-8. */
export class JsonCorruptError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_JSON_CORRUPT'

  /** The place is the first byte or character that cannot stand where it stands. */
  constructor(init: JsonPlace & { readonly reason: JsonCorruptReason }) {
    super({
      code: 'ICE_PRIMITIVES_JSON_CORRUPT',
      message: `not JSON: ${init.reason} at ${init.unit} ${init.offset}`,
      data: { reason: init.reason, offset: init.offset, unit: init.unit },
    })
  }
}

/** Why a text is JSON, but not JSON that two readers understand alike (RFC 7493). */
export type JsonUnsupportedReason =
  | 'duplicate_key'
  | 'lone_surrogate'
  | 'unsafe_integer'
  | 'number_overflow'

/** `ICE_PRIMITIVES_JSON_UNSUPPORTED`: JSON that two readers could understand differently. */
export class JsonUnsupportedError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_JSON_UNSUPPORTED'

  /** The place is the start of the key, escape or number. */
  constructor(init: JsonPlace & { readonly reason: JsonUnsupportedReason }) {
    super({
      code: 'ICE_PRIMITIVES_JSON_UNSUPPORTED',
      message: `refused JSON: ${init.reason} at ${init.unit} ${init.offset}`,
      data: { reason: init.reason, offset: init.offset, unit: init.unit },
    })
  }
}

/** `ICE_PRIMITIVES_JSON_LIMIT`: a text that is too long, too deep, or holds too many values. */
export class JsonLimitError extends IceError {
  declare readonly code: 'ICE_PRIMITIVES_JSON_LIMIT'

  /** `limit` names the bound, `max` is its value, the place is where it was passed. */
  constructor(
    init: JsonPlace & { readonly limit: 'bytes' | 'depth' | 'nodes'; readonly max: number },
  ) {
    super({
      code: 'ICE_PRIMITIVES_JSON_LIMIT',
      message: `more ${init.limit} than ${init.max} at ${init.unit} ${init.offset}`,
      data: { limit: init.limit, max: init.max, offset: init.offset, unit: init.unit },
    })
  }
}
