/**
 * The declaration of one event type: its name, who may emit it, and what its payload is.
 *
 * A declaration carries the schema of the *current* payload version and one upcaster for each
 * older one. What zod can express but JSON Schema cannot (refinements, transforms, defaults) is
 * refused: the log is read by programs that have only the schema.
 */

import type { JsonObject, JsonValue } from '@ice/primitives'
import { z } from 'zod'
import { EVENTS_CODES, EventsError } from './errors.ts'
import type { Category, EventTypeDescription } from './ports.ts'
import { compilePayload, type PayloadEncoder } from './schema.ts'

/** Turns a payload of one version into the next one's. Pure and total. */
export type Upcaster = (data: JsonValue) => JsonValue

/** What an author writes about an event type. */
export interface EventTypeInit<P extends z.ZodType> {
  /** Past tense, PascalCase: `RunCommitted`. */
  readonly type: string
  readonly category: Category
  /**
   * Who may emit it, stated. It follows from the category (agents what is cognitive, and
   * `CapabilityRequested`; the runtime all else), so anything but that is refused.
   */
  readonly origins?: readonly ('runtime' | 'agent')[]
  /** One sentence: which fact this is. */
  readonly description: string
  /** Current payload version. @defaultValue 1 */
  readonly schema?: number
  readonly payload: P
  /** `upcasts[n]` turns version n into n + 1; one for every version before the current. */
  readonly upcasts?: Readonly<Record<number, Upcaster>>
}

/** A declared event type. */
export interface EventType<T extends string = string, D = unknown> {
  readonly type: T
  readonly category: Category
  readonly origins: readonly ('runtime' | 'agent')[]
  readonly schema: number
  describe(): EventTypeDescription
  /** Checks a payload and gives its canonical bytes. @throws `ICE_EVENTS_PAYLOAD_VIOLATION` */
  encode(data: unknown): string
  /** Brings a stored payload to the current version. @throws `ICE_EVENTS_SCHEMA_UNSUPPORTED` */
  upcast(data: JsonValue, schema: number): D
}

/** The payload of an event type, by the type of its declaration. */
export type PayloadOf<E> = E extends EventType<string, infer D> ? D : never

const NAME = /^[A-Z][A-Za-z0-9]{2,63}$/

/**
 * Declares an event type.
 *
 * @throws `ICE_EVENTS_DECLARATION_UNSUPPORTED` — the name, the versions or a schema keyword; the
 * schema itself is looked at when the type is first used or composed, so that importing a room
 * that declares fifty types costs nothing
 */
export function defineEventType<const T extends string, P extends z.ZodType>(
  init: EventTypeInit<P> & { readonly type: T },
): EventType<T, z.output<P>> {
  const { type, category, description, schema = 1 } = init
  if (!NAME.test(type)) throw declaration(type, 'a type is a PascalCase name of 3 to 64 letters')
  const upcasts = checkVersions(type, schema, init.upcasts ?? {})
  const origins = checkOrigins(type, category, init.origins)
  let payload: JsonObject | undefined
  let encoder: PayloadEncoder | undefined
  const payloadSchema = (): JsonObject => {
    payload ??= toJsonSchema(init.payload, type)
    return payload
  }
  return Object.freeze({
    type,
    category,
    origins,
    schema,
    describe: () =>
      Object.freeze({ type, category, origins, schema, description, payload: payloadSchema() }),
    encode: (data: unknown) => {
      encoder ??= compilePayload(payloadSchema(), type)
      return encoder(data)
    },
    upcast: (data: JsonValue, stored: number) =>
      upcastFrom({ type, schema, upcasts }, data, stored) as z.output<P>,
  })
}

/** Which upcasters there are is which versions can be read: one too many is a mistake, too. */
function checkVersions(
  type: string,
  schema: number,
  upcasts: Readonly<Record<number, Upcaster>>,
): Readonly<Record<number, Upcaster>> {
  if (!Number.isSafeInteger(schema) || schema < 1) {
    throw declaration(type, 'payload versions are whole numbers from 1')
  }
  for (let version = 1; version < schema; version += 1) {
    if (typeof upcasts[version] !== 'function') {
      throw declaration(type, `no upcast from version ${version}`)
    }
  }
  if (Object.keys(upcasts).length !== schema - 1) {
    throw declaration(type, `an upcast leads beyond version ${schema}`)
  }
  return { ...upcasts }
}

type Emitter = EventTypeDescription['origins'][number]

/** Who may emit what each category holds: law, so a declaration cannot widen it. */
const LAW: Readonly<Record<Category, readonly Emitter[]>> = {
  runtime: ['runtime'],
  cognitive: ['agent'],
  domain: ['runtime'],
  memory: ['runtime'],
  capability: ['runtime'],
}

/** The one type outside the cognitive ones that is an agent's: it asks, and gives nothing. */
const ASKING = 'CapabilityRequested'

function checkOrigins(
  type: string,
  category: Category,
  declared: readonly Emitter[] | undefined,
): readonly Emitter[] {
  if (!Object.hasOwn(LAW, category)) throw declaration(type, 'it has none of the five categories')
  const lawful = type === ASKING && category === 'capability' ? LAW.cognitive : LAW[category]
  if (declared !== undefined && declared.join() !== lawful.join()) {
    throw declaration(type, `only ${lawful.join()} may emit what is ${category}`)
  }
  return Object.freeze([...lawful])
}

interface Versions {
  readonly type: string
  readonly schema: number
  readonly upcasts: Readonly<Record<number, Upcaster>>
}

function upcastFrom({ type, schema, upcasts }: Versions, data: JsonValue, stored: number) {
  if (stored === schema) return data
  if (stored > schema || !Number.isSafeInteger(stored) || stored < 1) {
    throw new EventsError(
      EVENTS_CODES.futureSchema,
      `${type} is stored with payload version ${stored}; this program knows up to ${schema}`,
      { type, stored, known: schema },
    )
  }
  let current = data
  for (let version = stored; version < schema; version += 1) {
    current = (upcasts[version] as Upcaster)(current)
  }
  return current
}

function toJsonSchema(payload: z.ZodType, type: string): JsonObject {
  try {
    const schema = z.toJSONSchema(payload, {
      unrepresentable: 'throw',
      override: ({ zodSchema }) => refuseRefinements(zodSchema, type),
    })
    const { $schema: _draft, ...rest } = schema as unknown as JsonObject
    return frozen(rest)
  } catch (error) {
    if (error instanceof EventsError) throw error
    throw declaration(type, error instanceof Error ? error.message : String(error), error)
  }
}

/** Descriptions are handed out: nobody changes a taxonomy through one. */
function frozen<V extends JsonValue>(value: V): V {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value)
    for (const item of Object.values(value)) frozen(item)
  }
  return value
}

/** A refinement has no form in JSON Schema, and zod would leave it out without a word. */
function refuseRefinements(schema: z.core.$ZodTypes, type: string): void {
  for (const { _zod } of [...(schema._zod.def.checks ?? []), schema as z.core.$ZodCheck]) {
    const { check, pattern } = _zod.def as { check?: string; pattern?: unknown }
    if (check === 'custom') throw declaration(type, 'a payload schema cannot hold a refinement')
    if (check === 'overwrite') throw declaration(type, 'a payload schema changes no value')
    if (pattern instanceof RegExp && /[^dgu]/.test(pattern.flags)) {
      throw declaration(type, `the flags of ${pattern} have no place in JSON Schema`)
    }
  }
}

function declaration(type: string, why: string, cause?: unknown): EventsError {
  return new EventsError(EVENTS_CODES.declaration, `${type}: ${why}`, { type, why }, cause)
}
