/**
 * The image every guest begins with: the memory of an engine in which the prelude has run, and no
 * guest ever has.
 *
 * 1. All state of an instance is its memory and its globals; its code and its table cannot change
 *    (see `wasm/code.ts`, which refuses every instruction that would). So an instance that is given
 *    the image is a fresh engine, whoever sat in it before.
 * 2. An instance that ended out of turn, or whose memory grew, is not used again.
 *
 * The trap this closes: cleaning up after a guest. Nothing is cleaned here; everything is written.
 */
import { Buffer } from 'node:buffer'
import { invariant } from '@ice/primitives'
import { Abi, EVAL } from './abi.ts'
import { type EngineExports, newSeat, type Seat } from './engine.ts'
import { FRAME_BYTES_MAX, GUEST_STACK_BYTES, SEATS_KEPT_MAX } from './limits.ts'
import { BRIDGE, type BridgeName, PRELUDE } from './prelude.ts'

/** Date, eval, RegExp, JSON, Proxy, Map, typed arrays, Promise, BigInt; no WeakRef, no clock. */
const INTRINSICS = 0x1ff
/** Fuel for the built-ins and the prelude. */
const BOOT_FUEL = 1_000_000_000n
/** When the collector first runs. @units bytes */
const GC_THRESHOLD_BYTES = 1_048_576
const PAGE_BYTES = 65_536
/** What is compared and copied at once. @units bytes */
const BLOCK_BYTES = 4_096

/** What a guest begins with. */
export interface Image {
  /** Addresses in the memory. */
  readonly runtime: number
  readonly context: number
  readonly bridge: Readonly<Record<BridgeName, number>>
  readonly stackPointer: number
  readonly memory: Uint8Array
  /** Where the memory differs from that of a new instance: the first byte of each block. */
  readonly blocks: readonly number[]
}

let image: Image | undefined
const kept: Seat[] = []

/** The image of this process, made when it is first asked for. */
export function imageOf(): Image {
  image ??= boot()
  return image
}

/**
 * An instance with the image in its memory.
 * @throws `ICE_SANDBOX_ENGINE_CORRUPT`, `ICE_SANDBOX_ENGINE_UNAVAILABLE`
 */
export function takeSeat(): Seat {
  const { memory, blocks, stackPointer } = imageOf()
  const used = kept.pop()
  const seat = used ?? newSeat()
  const { exports } = seat
  const missing = memory.length - exports.memory.buffer.byteLength
  if (missing > 0) exports.memory.grow(missing / PAGE_BYTES)
  const bytes = new Uint8Array(exports.memory.buffer)
  if (used !== undefined) bytes.set(memory)
  else for (const at of blocks) bytes.set(memory.subarray(at, at + BLOCK_BYTES), at)
  exports.__stack_pointer.value = stackPointer
  return seat
}

/** An instance that nobody needs any more, and that ended in turn. */
export function leaveSeat(seat: Seat): void {
  const grown = seat.exports.memory.buffer.byteLength !== imageOf().memory.length
  if (!grown && kept.length < SEATS_KEPT_MAX) kept.push(seat)
}

function boot(): Image {
  const seat = newSeat()
  const { exports } = seat
  const fresh = new Uint8Array(exports.memory.buffer).slice()
  seat.host = { now: () => 0, call: uncalled }
  exports.ice_fuel.value = BOOT_FUEL
  exports.ice_stack.value = FRAME_BYTES_MAX
  exports._initialize()
  invariant(exports.qjs_init2(INTRINSICS) === 0, 'the engine starts')
  exports.qjs_set_max_stack_size(GUEST_STACK_BYTES)
  exports.qjs_set_gc_threshold(GC_THRESHOLD_BYTES)
  const bridge = bridgeOf(exports)
  const memory = new Uint8Array(exports.memory.buffer).slice()
  return {
    runtime: exports.qjs_get_runtime_ptr(),
    context: exports.qjs_get_context_ptr(),
    bridge,
    stackPointer: exports.__stack_pointer.value,
    memory,
    blocks: differing(fresh, memory),
  }
}

function differing(fresh: Uint8Array, memory: Uint8Array): readonly number[] {
  const before = new Uint8Array(memory.length)
  before.set(fresh)
  const blocks: number[] = []
  for (let at = 0; at < memory.length; at += BLOCK_BYTES) {
    const end = at + BLOCK_BYTES
    if (Buffer.compare(before.subarray(at, end), memory.subarray(at, end)) !== 0) blocks.push(at)
  }
  return blocks
}

/** Runs the prelude: it is given the host, and gives its functions. */
function bridgeOf(exports: EngineExports): Image['bridge'] {
  const abi = new Abi(exports)
  const prelude = abi.evaluate(PRELUDE, EVAL.script)
  invariant('value' in prelude, 'the prelude is a function')
  const name = abi.write('host')
  const host = exports.qjs_new_host_function(name.at, name.length, 0)
  const bridge = abi.call(prelude.value, [host])
  invariant('value' in bridge, 'the prelude runs')
  const entries = BRIDGE.map((member) => {
    const { at } = abi.write(member)
    return [member, exports.qjs_get_prop_string(bridge.value, at)] as const
  })
  return Object.fromEntries(entries) as Record<BridgeName, number>
}

function uncalled(): never {
  invariant(false, 'the prelude calls nothing while it runs')
}
