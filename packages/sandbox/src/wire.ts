/**
 * How values cross between host and guest: as text of JSON, and by copy.
 *
 *   wire   = JSON in which `{"$handle": n}` is a handle, and a key that begins with `$` is written
 *            with one `$` more
 *   in     = "=" JSON      nothing of it begins with `$`: it is read as it stands
 *          | "$" wire
 *   out    = wire
 *
 * 1. Data cannot pass for a handle, whoever wrote it: a key of data never is `$handle` on the wire.
 * 2. What comes out of a guest goes through the strict parser, whatever the guest's side promises.
 *
 * The trap this closes: a marker in band. An answer from the outside world that has the shape of a
 * handle would be one, as soon as it passed through a guest.
 */
import { hasCode, type JsonValue, parseStrict } from '@ice/primitives'
import type { Bounds } from './bounds.ts'
import { SANDBOX_CODES, SandboxError } from './errors.ts'
import { type HandleTable, isHandle, reveal } from './handles.ts'
import { VALUE_DEPTH_MAX, VALUE_NODES_MAX } from './limits.ts'
import type { GuestValue, Handle } from './ports.ts'

const HANDLE_KEY = '$handle'

/** What the strict parser takes: a value with what the bridge puts around it. */
const PARSE_DEPTH_MAX = 64

/** What stands for an object in a guest that is not to have it. */
type Finder = (value: object) => Handle | undefined

/**
 * Text of a value for a guest.
 * @param find - finds what becomes a handle, though it is none
 * @throws `ICE_SANDBOX_VALUE_LIMIT`, `ICE_SANDBOX_VALUE_UNSUPPORTED`
 */
export function toGuest(
  value: unknown,
  { handles, find = () => undefined }: { readonly handles: HandleTable; readonly find?: Finder },
  { valueBytes }: Bounds,
): string {
  const writer = new Writer(handles, find)
  const wire = writer.wire(value, 0)
  const text = `${writer.escaped ? '$' : '='}${JSON.stringify(wire)}`
  if (text.length > valueBytes) throw limit('bytes', valueBytes)
  return text
}

/**
 * The value in a text that a guest wrote: plain JSON, with the handles it was given.
 * @throws `ICE_SANDBOX_VALUE_LIMIT`, `ICE_SANDBOX_VALUE_UNSUPPORTED`,
 *   `ICE_SANDBOX_HANDLE_NOT_FOUND`
 */
export function fromGuest(text: string, handles: HandleTable, bounds: Bounds): GuestValue {
  const wire = parseWire(text, bounds)
  // Most values have no `$` anywhere, and are what they say.
  return text.includes('$') ? readWire(wire, handles) : (wire as GuestValue)
}

/** A value of a guest with the values of its handles in their places. */
export function revealed(value: GuestValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value
  if (isHandle(value)) return reveal(value)
  if (Array.isArray(value)) return value.map((item: GuestValue) => revealed(item))
  return mapped(value as { readonly [name: string]: GuestValue }, (name) => name, revealed)
}

function parseWire(text: string, { valueBytes }: Bounds): unknown {
  try {
    const limits = { bytesMax: valueBytes, depthMax: PARSE_DEPTH_MAX, nodesMax: VALUE_NODES_MAX }
    return parseStrict(text, limits)
  } catch (error) {
    if (hasCode(error, 'ICE_PRIMITIVES_JSON_LIMIT')) {
      throw new SandboxError(SANDBOX_CODES.valueLimit, 'A value of the guest is too large', {
        limit: String((error as { data?: { limit?: unknown } }).data?.limit),
      })
    }
    const message = 'A value of the guest is not JSON that all readers understand alike'
    throw new SandboxError(SANDBOX_CODES.valueUnsupported, message, {}, error)
  }
}

function readWire(wire: unknown, handles: HandleTable): GuestValue {
  if (typeof wire !== 'object' || wire === null) return wire as GuestValue
  if (Array.isArray(wire)) return wire.map((item: unknown) => readWire(item, handles))
  if (Object.hasOwn(wire, HANDLE_KEY)) return handles.take(Reflect.get(wire, HANDLE_KEY))
  const plainName = (name: string): string => (name.startsWith('$') ? name.slice(1) : name)
  return mapped(wire as Record<string, unknown>, plainName, (item) => readWire(item, handles))
}

/** An object of the same members, `__proto__` a name like any other. */
function mapped<T, U>(
  object: { readonly [name: string]: T },
  rename: (name: string) => string,
  map: (value: T) => U,
): { [name: string]: U } {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [rename(name), map(value)]),
  )
}

/** Copies a value into what is written on the wire, and refuses what JSON cannot hold. */
class Writer {
  readonly #handles: HandleTable
  readonly #find: Finder
  #nodes = 0
  escaped = false

  constructor(handles: HandleTable, find: Finder) {
    this.#handles = handles
    this.#find = find
  }

  wire(value: unknown, depth: number): unknown {
    this.#nodes += 1
    if (this.#nodes > VALUE_NODES_MAX) throw limit('nodes', VALUE_NODES_MAX)
    if (depth > VALUE_DEPTH_MAX) throw limit('depth', VALUE_DEPTH_MAX)
    switch (typeof value) {
      case 'string':
        if (value.isWellFormed()) return value
        break
      case 'number':
        if (Number.isFinite(value) && !isUnsafe(value)) return value
        break
      case 'boolean':
        return value
      case 'object':
        return value === null ? null : this.#container(value, depth)
      default:
    }
    throw unsupported(typeof value)
  }

  #container(value: object, depth: number): unknown {
    const handle = isHandle(value) ? value : this.#find(value)
    if (handle !== undefined) {
      this.escaped = true
      return { [HANDLE_KEY]: this.#handles.give(handle) }
    }
    if (Array.isArray(value)) return Array.from(value, (item) => this.wire(item, depth + 1))
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== null && prototype !== Object.prototype) throw unsupported('object')
    const entries = Object.entries(value).flatMap(([name, item]) =>
      item === undefined ? [] : [[this.#name(name), this.wire(item, depth + 1)] as const],
    )
    return Object.fromEntries(entries)
  }

  #name(name: string): string {
    if (!name.isWellFormed()) throw unsupported('string')
    if (!name.startsWith('$')) return name
    this.escaped = true
    return `$${name}`
  }
}

/** Whether JSON writes it as an integer that two readers read differently. */
function isUnsafe(value: number): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21
}

function limit(what: 'bytes' | 'depth' | 'nodes', max: number): SandboxError {
  const message = `A value for the guest has more ${what} than ${max}`
  return new SandboxError(SANDBOX_CODES.valueLimit, message, { limit: what, max })
}

function unsupported(type: string): SandboxError {
  const message = `A value for the guest is not JSON: it holds a ${type}`
  return new SandboxError(SANDBOX_CODES.valueUnsupported, message, { type })
}
