/**
 * The resource kind `model`: which models may be called, and for how long an answer.
 *
 *     resource  = { kind: "model", [models], [providers], [maxOutputTokens] }
 *     models    = [ provider "/" id, … ]     ; exactly these
 *     providers = [ provider, … ]            ; every model of these; one of the two is there
 *     maxOutputTokens = 1 to 10^9            ; left out: as many as the model gives
 *     claim     = { provider, model, [maxOutputTokens] }
 *     provider  = 1*64( ALPHA / DIGIT / "." / "_" / "-" )
 *
 * Ids are compared exactly: they may hold "/" and ":", a provider may not. Under a resource that
 * bounds the output a claim has to state its own bound.
 */
import type { JsonObject } from '@ice/primitives'
import { boundFault, entriesOf, excess, listsFault, over } from './entries.ts'
import { MODEL_ID_CHARS_MAX, OUTPUT_TOKENS_MAX } from './limits.ts'
import { hasOnly, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { shown, shownList } from './text.ts'

/** The resource of a grant on models. */
export type ModelResource = {
  readonly kind: 'model'
  /** `provider/id`. One of `models` and `providers` is there. */
  readonly models?: readonly string[]
  /** Providers of which every model is held. */
  readonly providers?: readonly string[]
  /** @units tokens of one answer. @defaultValue no bound here */
  readonly maxOutputTokens?: number
}

const PROVIDER = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/
const ID = /^[!-~]+$/
const TOKENS = [1, OUTPUT_TOKENS_MAX] as const

function providerFault(provider: unknown): string | undefined {
  const fits = typeof provider === 'string' && PROVIDER.test(provider)
  return fits ? undefined : `${shown(provider)} is no name of a provider`
}

function idFault(id: unknown): string | undefined {
  const fits = typeof id === 'string' && id.length <= MODEL_ID_CHARS_MAX && ID.test(id)
  return fits ? undefined : `${shown(id)} is no id of a model`
}

function modelFault(model: unknown): string | undefined {
  if (typeof model !== 'string') return `a model is text, not ${shown(model)}`
  const slash = model.indexOf('/')
  if (slash < 0) return `${shown(model)} has no provider, such as "provider/id"`
  return providerFault(model.slice(0, slash)) ?? idFault(model.slice(slash + 1))
}

const LISTS = [
  ['models', modelFault],
  ['providers', providerFault],
] as const

function maxOf(source: object): number | undefined {
  return own(source, 'maxOutputTokens') as number | undefined
}

function holds(resource: Resource, model: string): boolean {
  if (entriesOf(resource, 'models').includes(model)) return true
  return entriesOf(resource, 'providers').includes(model.slice(0, model.indexOf('/')))
}

/** Why so many tokens are more than a resource holds. */
function tokensRefusal(resource: Resource, asked: number | undefined): string | undefined {
  const max = maxOf(resource)
  if (max === undefined || (asked !== undefined && asked <= max)) return undefined
  if (asked === undefined) return `no bound of output is more than ${max} tokens`
  return `${asked} tokens of output are more than ${max}`
}

/** The kind `model`; state-less and frozen. */
export const modelKind: ResourceKind = Object.freeze({
  kind: 'model',

  checkResource(resource: Resource): string | undefined {
    if (!hasOnly(resource, ['kind', 'models', 'providers', 'maxOutputTokens'])) {
      return 'a "model" resource has the members kind, models, providers and maxOutputTokens'
    }
    if (!Object.hasOwn(resource, 'models') && !Object.hasOwn(resource, 'providers')) {
      return 'a "model" resource has models or providers'
    }
    return listsFault(resource, LISTS) ?? boundFault(resource, 'maxOutputTokens', TOKENS)
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    if (!hasOnly(claim, ['provider', 'model', 'maxOutputTokens'])) {
      return 'a claim on "model" is { provider, model } and its maxOutputTokens'
    }
    const [provider, id] = [own(claim, 'provider'), own(claim, 'model')]
    const fault =
      providerFault(provider) ??
      idFault(id) ??
      boundFault(claim as Resource, 'maxOutputTokens', TOKENS)
    if (fault !== undefined) return fault
    const model = `${provider}/${id}`
    if (holds(resource, model)) return tokensRefusal(resource, maxOf(claim))
    const held = [...entriesOf(resource, 'models'), ...entriesOf(resource, 'providers')]
    return `the model ${shown(model)} is none of ${shownList(held)}`
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    const models = entriesOf(child, 'models').filter((model) => !holds(parent, model))
    const providers = over(entriesOf(parent, 'providers'), entriesOf(child, 'providers'))
    const found = excess([
      ['models', models],
      ['providers', providers],
    ])
    return found ?? tokensRefusal(parent, maxOf(child))
  },
})
