/**
 * The engine's functions, as far as text goes in and out of its memory.
 *
 * Values of the engine are addresses of its own memory, and owned: what is given up is freed once.
 * After a trap nothing here is called any more.
 */
import { invariant } from '@ice/primitives'
import type { EngineExports } from './engine.ts'
import { SANDBOX_CODES, SandboxError } from './errors.ts'
import { memoryError } from './failure.ts'

/** How a source is read: as a module, or as a script in strict mode. */
export const EVAL = { module: 1, script: 8 } as const

/** The name of a guest's source in its own stacks. */
const SOURCE_NAME = 'guest.js'

/** How a call came out: a value, or what was thrown. */
export type Outcome = { readonly value: number } | { readonly thrown: number }

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The functions of one instance. All throw `ICE_SANDBOX_MEMORY_LIMIT` when there is no room. */
export class Abi {
  readonly #exports: EngineExports

  constructor(exports: EngineExports) {
    this.#exports = exports
  }

  evaluate(source: string, flags: number): Outcome {
    const exports = this.#exports
    const { at, length } = this.write(source)
    const name = this.write(SOURCE_NAME)
    const value = exports.qjs_eval(at, length, name.at, flags)
    exports.wasm_free(at)
    exports.wasm_free(name.at)
    return this.outcome(value)
  }

  /** Calls a function. The values stay the caller's. */
  call(callee: number, values: readonly number[]): Outcome {
    const exports = this.#exports
    const list = this.#allocate(values.length * 4)
    const view = new DataView(exports.memory.buffer)
    for (const [place, value] of values.entries()) view.setUint32(list + place * 4, value, true)
    const self = exports.qjs_get_undefined()
    const value = exports.qjs_call(callee, self, values.length, list)
    exports.wasm_free(list)
    return this.outcome(value)
  }

  outcome(value: number): Outcome {
    if (this.#exports.qjs_is_exception(value) === 0) return { value }
    return { thrown: this.#exports.qjs_get_exception() }
  }

  newText(text: string): number {
    const { at, length } = this.write(text)
    const value = this.#exports.qjs_new_string(at, length)
    this.#exports.wasm_free(at)
    if (this.#exports.qjs_is_exception(value) !== 0) throw memoryError()
    return value
  }

  /** The text of a value that is given up. */
  takeText(value: number): string {
    const text = this.text(value)
    this.#exports.qjs_free_value(value)
    return text
  }

  /** The text of a value that stays the engine's. */
  text(value: number): string {
    const exports = this.#exports
    invariant(exports.qjs_is_string(value) !== 0, 'what crosses is text')
    const at = this.#allocate(4)
    const text = exports.qjs_get_string_len(value, at)
    if (text === 0) throw memoryError()
    const length = new DataView(exports.memory.buffer).getUint32(at, true)
    const decoded = decode(new Uint8Array(exports.memory.buffer, text, length))
    exports.qjs_free_cstring(text)
    exports.wasm_free(at)
    return decoded
  }

  /** Puts text into the memory, a zero byte after it. */
  write(text: string): { readonly at: number; readonly length: number } {
    const bytes = encoder.encode(text)
    const at = this.#allocate(bytes.length + 1)
    const memory = new Uint8Array(this.#exports.memory.buffer)
    memory.set(bytes, at)
    memory[at + bytes.length] = 0
    return { at, length: bytes.length }
  }

  #allocate(length: number): number {
    const at = this.#exports.wasm_malloc(Math.max(length, 1))
    if (at === 0) throw memoryError()
    return at
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (error) {
    const message = 'The guest gave text that has no UTF-8 bytes'
    throw new SandboxError(SANDBOX_CODES.valueUnsupported, message, {}, error)
  }
}
