/**
 * The engine: QuickJS as WebAssembly, metered, loaded when the first guest needs it.
 *
 * 1. The file is one file, known by its digest. How much fuel a guest uses is a function of these
 *    bytes, so another file is refused, and not tried.
 * 2. An instance is used by one guest at a time. What it imports is asked of its seat, which is the
 *    guest's while it sits there and nobody's otherwise.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { invariant, sha256Hex } from '@ice/primitives'
import { SANDBOX_CODES, SandboxError } from './errors.ts'
import { PAGES_MAX } from './limits.ts'
import {
  compileModule,
  instantiateModule,
  type WasmGlobal,
  type WasmImports,
  type WasmMemory,
  type WasmModule,
} from './wasm/api.ts'
import { FUEL_EXPORT, metered, STACK_EXPORT } from './wasm/meter.ts'

/** What a guest's fuel and results depend on. */
export const ENGINE = {
  name: 'quickjs-wasi',
  version: '3.7.0',
  sha256: 'c0bd8f296e18cf074969f6401b9ecb72609a1323818ec2b9bf7a8f8d740d1363',
} as const

/** A function of the engine: numbers in, a number out. */
type Native = (...values: number[]) => number

/** The functions of the engine that are used. Values are addresses in its memory. */
const FUNCTIONS = [
  '_initialize',
  'wasm_malloc',
  'wasm_free',
  'qjs_init2',
  'qjs_set_memory_limit',
  'qjs_set_max_stack_size',
  'qjs_set_gc_threshold',
  'qjs_get_runtime_ptr',
  'qjs_get_context_ptr',
  'qjs_set_runtime_and_context',
  'qjs_eval',
  'qjs_call',
  'qjs_new_string',
  'qjs_new_host_function',
  'qjs_get_undefined',
  'qjs_get_prop_string',
  'qjs_get_string_len',
  'qjs_free_cstring',
  'qjs_free_value',
  'qjs_is_exception',
  'qjs_is_uncatchable_error',
  'qjs_is_string',
  'qjs_get_exception',
  'qjs_is_job_pending',
  'qjs_execute_pending_job',
] as const

/** What an instance of the engine exports. */
export type EngineExports = Readonly<Record<(typeof FUNCTIONS)[number], Native>> & {
  readonly memory: WasmMemory
  readonly __stack_pointer: WasmGlobal<number>
  readonly [FUEL_EXPORT]: WasmGlobal<bigint>
  readonly [STACK_EXPORT]: WasmGlobal<number>
}

const EXPORTS: ReadonlySet<string> = new Set([...FUNCTIONS, 'memory', '__stack_pointer'])

/** An instance, and whose it is. */
export interface Seat {
  readonly exports: EngineExports
  /** Asked while the guest runs; `undefined` when no guest sits here. */
  host: EngineHost | undefined
}

/** What the engine imports that differs from guest to guest. */
export interface EngineHost {
  /** Milliseconds, UTC: what the guest's clock says. */
  now(): number
  /** `host(operation, text)`: gives the address of a value. May throw, which ends the guest. */
  call(count: number, values: number): number
}

let compiled: WasmModule | undefined

/**
 * A new instance of the engine, with a memory in which nothing has run.
 * @throws `ICE_SANDBOX_ENGINE_CORRUPT`, `ICE_SANDBOX_ENGINE_UNAVAILABLE`
 */
export function newSeat(): Seat {
  compiled ??= compile(readEngine())
  try {
    const imports = importsOf(() => seat)
    const exports = instantiateModule(compiled, imports) as EngineExports
    const seat: Seat = { exports, host: undefined }
    return seat
  } catch (error) {
    const message = 'The machine has no room for another guest'
    throw new SandboxError(SANDBOX_CODES.engineUnavailable, message, {}, error)
  }
}

function readEngine(): Uint8Array {
  let bytes: Uint8Array
  try {
    const require = createRequire(import.meta.url)
    bytes = readFileSync(require.resolve('quickjs-wasi/quickjs.wasm'))
  } catch (error) {
    const message = `The file of ${ENGINE.name} cannot be read`
    throw new SandboxError(SANDBOX_CODES.engineUnavailable, message, {}, error)
  }
  checkEngine(bytes)
  return bytes
}

/** @throws `ICE_SANDBOX_ENGINE_CORRUPT` — these bytes are not the engine's */
export function checkEngine(bytes: Uint8Array): void {
  const digest = sha256Hex(bytes)
  if (digest === ENGINE.sha256) return
  const message = `The engine's file is not that of ${ENGINE.name} ${ENGINE.version}`
  throw new SandboxError(SANDBOX_CODES.engineCorrupt, message, { digest })
}

function compile(bytes: Uint8Array): WasmModule {
  return compileModule(metered(bytes, { pagesMax: PAGES_MAX, exports: EXPORTS }))
}

/** Errors of WASI: a bad descriptor, and what is not there. */
const BAD_DESCRIPTOR = 8
const NOT_THERE = 52

/** No file, no descriptor, no entropy, no zone: of the machine there is only what `host` says. */
function importsOf(seat: () => Seat): WasmImports {
  const host = (): EngineHost => {
    const { host: guests } = seat()
    invariant(guests !== undefined, 'an engine runs for a guest')
    return guests
  }
  return {
    env: {
      host_call: (_name: number, _length: number, _self: number, count: number, values: number) =>
        host().call(count, values),
      host_interrupt: () => 0,
      host_promise_rejection: () => undefined,
      host_module_normalize: () => 0,
      host_module_load: () => 0,
      host_get_timezone_offset: () => 0,
    },
    wasi_snapshot_preview1: {
      clock_time_get: (_clock: number, _precision: bigint, at: number) => {
        const nanoseconds = BigInt(host().now()) * 1_000_000n
        new DataView(seat().exports.memory.buffer).setBigUint64(at, nanoseconds, true)
        return 0
      },
      fd_write: () => BAD_DESCRIPTOR,
      fd_close: () => BAD_DESCRIPTOR,
      fd_fdstat_get: () => BAD_DESCRIPTOR,
      fd_seek: () => BAD_DESCRIPTOR,
      random_get: () => NOT_THERE,
    },
  }
}
