/**
 * One guest's engine: an instance, its memory, and text in and out.
 *
 * 1. All that crosses is text, copied. No object of the host is reachable from within, and no value
 *    of the guest is looked into from without.
 * 2. Whatever ends a call out of turn (fuel, stack, memory, a fault) closes the machine for good.
 * 3. An error thrown by the host's own side of a call passes through the guest, which cannot catch
 *    it, and closes the machine too.
 */
import { invariant } from '@ice/primitives'
import { Abi, EVAL, type Outcome } from './abi.ts'
import type { Bounds } from './bounds.ts'
import type { EngineExports, Seat } from './engine.ts'
import { SANDBOX_CODES, type SandboxCode, SandboxError } from './errors.ts'
import { failureOf, memoryError } from './failure.ts'
import { imageOf, leaveSeat, takeSeat } from './image.ts'
import { FRAME_BYTES_MAX } from './limits.ts'
import type { BridgeName } from './prelude.ts'

/** Fuel for what is not the guest's: putting its memory in place. */
const PLACING_FUEL = 1_000_000n

/** The host's side of a guest. */
export interface MachineHost {
  /** Milliseconds, UTC: what the guest's clock says. */
  now(): number
  /** Carries out an operation. What it throws ends the guest, and is what the host is told. */
  operate(operation: string, text: string): string
}

/** A machine is used by one guest, from its first call to its last. */
export class Machine {
  readonly #seat: Seat
  readonly #exports: EngineExports
  readonly #abi: Abi
  readonly #bridge: Readonly<Record<BridgeName, number>>
  readonly #bounds: Bounds
  #open = true
  #within = false
  #fuelUsed = 0
  /** What the host's side of a call threw: it passed through the engine, and is not of it. */
  #fault: unknown

  /** @throws `ICE_SANDBOX_ENGINE_CORRUPT`, `ICE_SANDBOX_ENGINE_UNAVAILABLE` */
  constructor(host: MachineHost, bounds: Bounds) {
    const image = imageOf()
    this.#bounds = bounds
    this.#bridge = image.bridge
    this.#seat = takeSeat()
    this.#seat.host = {
      now: () => host.now(),
      call: (count, values) => this.#operate(host, count, values),
    }
    this.#exports = this.#seat.exports
    this.#abi = new Abi(this.#exports)
    this.#exports.ice_fuel.value = PLACING_FUEL
    this.#exports.ice_stack.value = FRAME_BYTES_MAX
    this.#exports.qjs_set_runtime_and_context(image.runtime, image.context)
    this.#exports.qjs_set_memory_limit(bounds.memoryBytes)
    this.#exports.ice_fuel.value = BigInt(bounds.fuel)
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Fuel used up so far. */
  get fuelUsed(): number {
    return this.#open ? this.#spent() : this.#fuelUsed
  }

  /** No call comes in any more. A machine that is not within a call gives its instance back. */
  close(): void {
    if (!this.#open) return
    this.#fuelUsed = this.#spent()
    this.#open = false
    if (!this.#within) this.#leave()
  }

  /** Evaluates a script, and gives its completion value as text of the wire. */
  evaluate(source: string): string {
    return this.#enter(() => {
      const value = this.#valueOf(this.#abi.evaluate(source, EVAL.script))
      return this.#abi.takeText(this.#callBridge('result', [value]))
    })
  }

  /** Evaluates a module and calls its default export; then whatever follows of itself. */
  start(source: string, input: string): void {
    this.#enter(() => {
      const module = this.#abi.evaluate(source, EVAL.module)
      if ('thrown' in module) throw this.#failed(module.thrown, SANDBOX_CODES.sourceUnsupported)
      this.#callBridge('start', [module.value, this.#abi.newText(input)])
      this.#drain()
    })
  }

  /** Gives an answer to a promise of the guest; then whatever follows of itself. */
  settle(number: number, how: 'value' | 'error', text: string): void {
    this.#enter(() => {
      const values = [
        this.#abi.newText(String(number)),
        this.#abi.newText(how),
        this.#abi.newText(text),
      ]
      this.#callBridge('settle', values)
      this.#drain()
    })
  }

  /** Makes a constant of the global scope. @returns whether the name was free */
  define(name: string, text: string): boolean {
    return this.#enter(() => {
      const values = [this.#abi.newText(name), this.#abi.newText(text)]
      return this.#abi.takeText(this.#callBridge('define', values)) === 'defined'
    })
  }

  /** Everything the engine does happens within. */
  #enter<T>(work: () => T): T {
    invariant(this.#open && !this.#within, 'a machine is called when it is open, and in turn')
    this.#within = true
    try {
      const result = work()
      this.#within = false
      if (!this.#open) this.#leave()
      return result
    } catch (error) {
      // The instance is where it was when it was left, and is never used again.
      const reason = this.#reasonOf(error)
      this.close()
      throw reason
    }
  }

  #leave(): void {
    this.#seat.host = undefined
    leaveSeat(this.#seat)
  }

  #spent(): number {
    return this.#bounds.fuel - Number(this.#exports.ice_fuel.value)
  }

  /** What ended the guest: never an error of the engine as it is. */
  #reasonOf(error: unknown): unknown {
    if (error instanceof SandboxError) return error
    if (error === this.#fault) return engineError(error)
    const { fuel } = this.#bounds
    if (this.#exports.ice_fuel.value < 0n) {
      const message = `The guest has used up its fuel of ${fuel}`
      return new SandboxError(SANDBOX_CODES.fuelLimit, message, { fuel })
    }
    if (this.#exports.ice_stack.value < 0 || error instanceof RangeError) {
      const message = 'The guest went deeper than the stack it may use'
      return new SandboxError(SANDBOX_CODES.stackLimit, message)
    }
    return engineError(error)
  }

  #operate(host: MachineHost, count: number, values: number): number {
    try {
      invariant(count === 2, 'the prelude calls with an operation and a text')
      const view = new DataView(this.#exports.memory.buffer)
      const operation = this.#abi.text(view.getUint32(values, true))
      const text = this.#abi.text(view.getUint32(values + 4, true))
      return this.#abi.newText(host.operate(operation, text))
    } catch (error) {
      this.#fault = error
      throw error
    }
  }

  /** Calls the prelude. The values are given up. */
  #callBridge(name: BridgeName, values: readonly number[]): number {
    const outcome = this.#abi.call(this.#bridge[name], values)
    for (const value of values) this.#exports.qjs_free_value(value)
    return this.#valueOf(outcome)
  }

  /** Promise reactions, until there is none. */
  #drain(): void {
    const exports = this.#exports
    while (this.#open && exports.qjs_is_job_pending() !== 0) {
      if (exports.qjs_execute_pending_job() < 0) throw this.#failed(exports.qjs_get_exception())
    }
  }

  #valueOf(outcome: Outcome): number {
    if ('value' in outcome) return outcome.value
    throw this.#failed(outcome.thrown)
  }

  /** What the guest threw, as an error of the host. */
  #failed(thrown: number, code: SandboxCode = SANDBOX_CODES.guestFailed): unknown {
    if (this.#exports.qjs_is_uncatchable_error(thrown) !== 0) return memoryError()
    return failureOf(this.#abi.takeText(this.#callBridge('describe', [thrown])), code)
  }
}

function engineError(cause: unknown): SandboxError {
  const message = 'The engine, or what it called, failed'
  return new SandboxError(SANDBOX_CODES.engineFailed, message, {}, cause)
}
