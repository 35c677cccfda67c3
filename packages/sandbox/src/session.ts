/**
 * One execution of a guest as a program: between its machine and the context of its run.
 *
 * 1. What a guest asks for goes to the context at once, in the order in which it asks.
 * 2. What the context answers goes to the guest in the order in which it comes, each with all that
 *    follows of it before the next. So a guest that is run again, and given the same outcomes in
 *    the same order, takes the same way.
 * 3. The session ends once: with the guest's result, with what it threw, or with what ended it.
 *    After that the machine is closed, and what still comes is dropped.
 * 4. A guest that waits for nothing it asked for would wait for ever, and is ended at once.
 */
import { errorRecord, type JsonValue } from '@ice/primitives'
import type { EffectRequest, RunContext } from '@ice/runs/ports'
import type { Bounds } from './bounds.ts'
import { SANDBOX_CODES, SandboxError } from './errors.ts'
import { failureOf } from './failure.ts'
import { conceal, HandleTable } from './handles.ts'
import { SCOPES_MAX } from './limits.ts'
import { Machine } from './machine.ts'
import type { GuestStep, GuestValue } from './ports.ts'
import { heldReference, referenceFinder, referenceIn } from './references.ts'
import { type Ask, effectRequest, proposal, question, stepId } from './requests.ts'
import { fromGuest, revealed, toGuest } from './wire.ts'

/** What one execution needs. */
export interface SessionInit {
  readonly source: string
  readonly bounds: Bounds
  readonly context: RunContext
  readonly input: unknown
  readonly conceal: (step: GuestStep) => boolean
}

/** A context of the guest, and the names of the scopes it lies in. */
interface Scope {
  readonly context: RunContext
  readonly prefix: string
}

/** Runs a guest once. */
export function runGuest(init: SessionInit): Promise<unknown> {
  return new Promise((resolve, reject) => new Session(init, resolve, reject).begin())
}

class Session {
  readonly #init: SessionInit
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  readonly #handles = new HandleTable()
  readonly #scopes: Scope[]
  /** Errors the guest was given: it may throw them on, and they are the same then. */
  readonly #given: unknown[] = []
  readonly #machine: Machine
  #open = 0

  constructor(
    init: SessionInit,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.#init = init
    this.#resolve = resolve
    this.#reject = reject
    this.#scopes = [{ context: init.context, prefix: '' }]
    const operate = this.#operate.bind(this)
    this.#machine = new Machine({ now: () => init.context.now, operate }, init.bounds)
  }

  begin(): void {
    const { source, context, input, bounds } = this.#init
    this.#enter(() => {
      const find = referenceFinder(context)
      const text = toGuest({ run: context.run, input }, { handles: this.#handles, find }, bounds)
      this.#machine.start(source, text)
    })
  }

  #enter(work: () => void): void {
    if (!this.#machine.isOpen) return
    try {
      work()
    } catch (error) {
      this.#end(() => this.#reject(error))
      return
    }
    if (this.#machine.isOpen && this.#open === 0) {
      const message = 'The guest waits, and nothing that it asked for is open'
      this.#end(() => this.#reject(new SandboxError(SANDBOX_CODES.stalled, message)))
    }
  }

  #end(tell: () => void): void {
    this.#machine.close()
    tell()
  }

  #operate(operation: string, text: string): string {
    switch (operation) {
      case 'random':
        return String(this.#scope(Number(text)).context.random.float())
      case 'scope':
        return this.#newScope(this.#read(text))
      case 'part':
        return this.#part(this.#read(text))
      case 'ask':
        this.#ask(this.#read(text) as unknown as Ask)
        return ''
      case 'return': {
        const value = revealed(this.#read(text))
        this.#end(() => this.#resolve(value))
        return ''
      }
      case 'throw': {
        const error = failureOf(text, SANDBOX_CODES.guestFailed, this.#given)
        this.#end(() => this.#reject(error))
        return ''
      }
      default:
        throw strayError()
    }
  }

  #read(text: string): GuestValue {
    return fromGuest(text, this.#handles, this.#init.bounds)
  }

  #scope(place: number): Scope {
    const scope = Number.isSafeInteger(place) ? this.#scopes[place] : undefined
    if (scope === undefined) throw strayError()
    return scope
  }

  #newScope(request: GuestValue): string {
    const { scope: place, name } = request as { readonly scope: number; readonly name: string }
    const { context, prefix } = this.#scope(place)
    if (this.#scopes.length >= SCOPES_MAX) {
      const message = `A guest makes at most ${SCOPES_MAX} scopes`
      throw new SandboxError(SANDBOX_CODES.scopeLimit, message, { scopes: SCOPES_MAX })
    }
    try {
      this.#scopes.push({ context: context.scope(name), prefix: `${prefix}${name}/` })
    } catch (error) {
      return `!${this.#errorText(error)}`
    }
    return String(this.#scopes.length - 1)
  }

  #part(request: GuestValue): string {
    const { scope, reference, pointer } = request as Readonly<Record<string, GuestValue>>
    const { context } = this.#scope(scope as number)
    let part: GuestValue
    try {
      part = heldReference(context.part(referenceIn(reference ?? null), pointer as string))
    } catch (error) {
      return `!${this.#errorText(error)}`
    }
    return this.#valueText(part)
  }

  #ask(ask: Ask): void {
    const { pending } = this.#init.bounds
    if (this.#open >= pending) {
      const message = `A guest waits for at most ${pending} steps at once`
      throw new SandboxError(SANDBOX_CODES.pendingLimit, message, { pending })
    }
    const { context, prefix } = this.#scope(ask.scope)
    this.#open += 1
    this.#answer(ask, context, prefix).then(
      (value) => this.#settle(ask.number, 'value', () => this.#valueText(value)),
      (error: unknown) => this.#settle(ask.number, 'error', () => this.#errorText(error)),
    )
  }

  /** Asks the context at once; `async`, so that what it throws is a rejection too. */
  async #answer(ask: Ask, context: RunContext, prefix: string): Promise<GuestValue> {
    const id = stepId(ask.id)
    switch (ask.kind) {
      case 'effect': {
        const request = effectRequest(ask.request)
        return this.#shown(prefix + id, request, await context.effect(id, request))
      }
      case 'attempt': {
        const request = effectRequest(ask.request)
        const outcome = await context.attempt(id, request)
        if (outcome.kind !== 'succeeded') return outcome as unknown as GuestValue
        return { ...outcome, value: this.#shown(prefix + id, request, outcome.value) }
      }
      case 'hold':
        return heldReference(await context.hold(id, effectRequest(ask.request)))
      case 'reveal':
        return context.reveal(id, referenceIn(ask.request))
      case 'propose':
        await context.propose(id, proposal(ask.request))
        return null
      case 'approval':
        return (await context.approval(id, question(ask.request))) as unknown as GuestValue
      default:
        throw strayError()
    }
  }

  #shown(id: string, request: EffectRequest, value: JsonValue): GuestValue {
    return this.#init.conceal({ id, request }) ? conceal(value) : value
  }

  #settle(number: number, how: 'value' | 'error', text: () => string): void {
    this.#open -= 1
    this.#enter(() => this.#machine.settle(number, how, text()))
  }

  #valueText(value: GuestValue): string {
    return toGuest(value, { handles: this.#handles }, this.#init.bounds)
  }

  /** An error as a guest sees it: what would be recorded of it, and nothing of the host. */
  #errorText(error: unknown): string {
    const { code, message, data } = errorRecord(error)
    const number = this.#given.push(error) - 1
    const record = { number, name: 'IceError', code, message: message.toWellFormed() }
    return this.#valueText({ ...record, data: (data ?? null) as GuestValue })
  }
}

function strayError(): SandboxError {
  const message = 'The guest called the host in a way that the prelude never does'
  return new SandboxError(SANDBOX_CODES.engineFailed, message)
}
