/**
 * The image every guest begins with: the memory of an engine in which the prelude has run, and no
 * guest ever has.
 *
 * All state of an instance is its memory and its globals: its table and its code never change. So a
 * copy is a fresh engine, without the cost of making one.
 */
import { invariant } from '@ice/primitives'
import { Abi, EVAL } from './abi.ts'
import { type EngineExports, instantiate } from './engine.ts'
import { FRAME_BYTES_MAX, GUEST_STACK_BYTES } from './limits.ts'
import { BRIDGE, type BridgeName, PRELUDE } from './prelude.ts'

/** Date, eval, RegExp, JSON, Proxy, Map, typed arrays, Promise, BigInt; no WeakRef, no clock. */
const INTRINSICS = 0x1ff
/** Fuel for the built-ins and the prelude. */
const BOOT_FUEL = 1_000_000_000n
/** When the collector first runs. @units bytes */
const GC_THRESHOLD_BYTES = 1_048_576
const PAGE_BYTES = 65_536

/** What a guest begins with. */
export interface Image {
  /** Addresses in the memory. */
  readonly runtime: number
  readonly context: number
  readonly bridge: Readonly<Record<BridgeName, number>>
  /** Makes the memory of a new instance that of the image. */
  place(exports: EngineExports): void
}

let image: Image | undefined

/** The image of this process, made when it is first asked for. */
export function imageOf(): Image {
  image ??= boot()
  return image
}

function boot(): Image {
  const exports = instantiate({ now: () => 0, call: uncalled })
  exports.ice_fuel.value = BOOT_FUEL
  exports.ice_stack.value = FRAME_BYTES_MAX
  exports._initialize()
  invariant(exports.qjs_init2(INTRINSICS) === 0, 'the engine starts')
  exports.qjs_set_max_stack_size(GUEST_STACK_BYTES)
  exports.qjs_set_gc_threshold(GC_THRESHOLD_BYTES)
  const bridge = bridgeOf(exports)
  const memory = new Uint8Array(exports.memory.buffer).slice()
  const stackPointer = exports.__stack_pointer.value
  return {
    runtime: exports.qjs_get_runtime_ptr(),
    context: exports.qjs_get_context_ptr(),
    bridge,
    place(instance) {
      const missing = memory.length - instance.memory.buffer.byteLength
      if (missing > 0) instance.memory.grow(missing / PAGE_BYTES)
      new Uint8Array(instance.memory.buffer).set(memory)
      instance.__stack_pointer.value = stackPointer
    },
  }
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
