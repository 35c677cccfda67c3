/**
 * A batch before authority: each of its calls is decided, and it is allowed when all of them are.
 *
 * 1. Each call is decided with what the whole batch takes, so that any one that is allowed has
 *    paid for all. Nothing is taken twice: they decide on one purse, and come to the same shares.
 * 2. Nothing is asked about one call alone: the question shows the list, and its digest is of it.
 * 3. A refusal says of which call it is, by `item` in its data; the whole batch is denied with it.
 */

import type { Allotment } from '@ice/capabilities/ports'
import { invariant, type JsonObject, joinLabels } from '@ice/primitives'
import { type CallLabels, callLabels } from './call-labels.ts'
import { carriedBy, isTooWide, joinedBasis, secretRecord, tooWide } from './carried.ts'
import { denied } from './denied.ts'
import {
  type Call,
  type Denied,
  type EffectIntent,
  type Item,
  type Ruling,
  rule,
} from './effects.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { claimsIn } from './item-claims.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import { BATCH_ITEMS_MAX } from './limits.ts'
import type { SecretUse } from './ports.ts'
import { keyOf } from './purse.ts'
import { SPAWN_ACTION } from './steps.ts'

/** The items of a batch. @throws `ICE_RUNS_ATTEMPTS_UNSUPPORTED` */
export function checkItems(
  items: unknown,
  { action, concurrency = 1 }: { readonly action: string; readonly concurrency?: unknown },
): readonly JsonObject[] {
  if (action === SPAWN_ACTION) throw bad('Children are started one by one')
  const isConcurrency = Number.isSafeInteger(concurrency) && (concurrency as number) >= 1
  if (!isConcurrency) throw bad('A batch has a concurrency of 1 up')
  if (Array.isArray(items) && items.length >= 1 && items.length <= BATCH_ITEMS_MAX) return items
  throw bad(`A batch has 1 to ${BATCH_ITEMS_MAX} items`)
}

function bad(message: string): RunsError {
  return new RunsError(RUNS_CODES.attemptsInvalid, message)
}

/** Decides a call, or every call of a batch. */
export function ruleCall(call: Call, init: Parameters<typeof rule>[1]): Ruling {
  const { items } = call
  if (items === undefined) return rule(call, init)
  const intents: EffectIntent[] = []
  const lacks = new Map<string, Allotment>()
  let asked: Extract<Ruling, { readonly kind: 'approval' }> | null = null
  for (const [i, item] of items.entries()) {
    const ruling = rule(callOf(call, item, i), init)
    if (ruling.kind === 'denied') return ofItem(ruling, call, i)
    if (ruling.kind === 'approval') asked ??= ruling
    else {
      intents.push(ruling.intent)
      for (const slice of ruling.lacks) lacks.set(keyOf(slice), slice)
    }
  }
  if (asked !== null) return { ...asked, call }
  const labels = call.labels ?? callLabels(init.fold.labels, call.askedAt, call.bound.references)
  const intent = intentOfAll(call, items, intents, labels)
  const allotments = [...lacks.values()]
  if (isTooWide({ ...intent, allotments })) return denied(call, call.grant, tooWide(), {})
  return { kind: 'intent', intent, lacks: allotments }
}

/** One call of a batch, as authority is asked about it. */
function callOf(call: Call, { given, args, resource, secrets }: Item, i: number): Call {
  const { items = [], bound, labels, ...whole } = call
  const references = bound.references.flatMap((reference) => {
    const [at, ...path] = reference.path
    return at === `${i}` ? { ...reference, path } : []
  })
  return {
    ...whole,
    ...{ given, args, resource, secrets },
    bound: { ...bound, references },
    of: { calls: items.length, resource: call.resource },
    ...(labels === undefined ? {} : { labels: labelsWithin(labels, i) }),
  }
}

/** Labels of the whole batch, as far as they are of one of its calls. */
function labelsWithin(labels: CallLabels, i: number): CallLabels {
  const prefix = `/${i}`
  const own = Object.entries(labels).flatMap(([at, label]) => {
    return at.startsWith(`${prefix}/`) ? [[at.slice(prefix.length), label] as const] : []
  })
  const whole = ['', prefix].flatMap((at) => (Object.hasOwn(labels, at) ? (labels[at] ?? []) : []))
  return { ...Object.fromEntries(own), ...(whole.length === 0 ? {} : { '': joinLabels(...whole) }) }
}

/** One intent on the authority of every call. */
function intentOfAll(
  call: Call,
  items: readonly Item[],
  intents: readonly EffectIntent[],
  labels: CallLabels,
): EffectIntent {
  const [first] = intents
  invariant(first !== undefined, 'a batch has at least one call')
  const all = intents.reduce((one, other) => joinedBasis(one, other), first)
  const secrets = once(intents.flatMap((intent) => intent.secrets))
  const consents = intents.map(({ data: { approval, standing }, causes }) => {
    return { causes, ...(approval && { approval }), ...(standing && { standing }) }
  })
  const consent = consents.find((each) => 'approval' in each || 'standing' in each)
  const { causes = first.causes, ...yes } = consent ?? {}
  const { spends: _spends, secrets: _secrets, ...data } = first.data
  return {
    ...all,
    ...{ items, secrets, causes, args: call.args },
    data: {
      ...data,
      ...yes,
      resource: call.resource,
      basis: all.guards.map(({ stream, version }) => ({ stream, version })),
      labels: labels as NonNullable<typeof data.labels>,
      batch: items.length,
      ...(all.spends.length === 0 ? {} : { spends: [...all.spends] }),
      ...(secrets.length === 0 ? {} : { secrets: secrets.map(secretRecord) }),
    },
  }
}

function once(uses: readonly SecretUse[]): readonly SecretUse[] {
  return [...new Map(uses.map((use) => [`${use.name} ${use.grant.id}`, use])).values()]
}

function ofItem(ruling: Denied, { resource, items = [] }: Call, item: number): Denied {
  const data = ruling.fact.data as Payload<'CapabilityDenied'>
  const told = { ...data.denial.data, item, batch: items.length }
  const denial = { ...data.denial, data: told }
  // A secret that was refused is told with what was claimed of it.
  const claimed = data.secret === undefined ? { resource } : {}
  const fact = { ...ruling.fact, type: 'CapabilityDenied', data: { ...data, ...claimed, denial } }
  return { ...ruling, fact: fact as Denied['fact'] }
}

/** A call of the record with the calls of its batch, where it is one. */
export function batchAsked(
  call: Call,
  data: Payload<'CapabilityDenied'> | Payload<'CapabilityUsed'>,
  grants: RunFold['grants'],
): Call {
  const list = call.given
  const told = 'denial' in data ? (data.denial.data as { batch?: unknown; item?: unknown }) : data
  if (!Array.isArray(list) || told.batch !== list.length) return call
  const { item } = told as { readonly item?: unknown }
  if ('secret' in data && data.secret !== undefined) {
    const given = typeof item === 'number' ? list[item] : undefined
    return { ...call, given: given ?? null, of: { calls: list.length, resource: call.resource } }
  }
  const claims = claimsIn(call.resource, list.length)
  if (claims === null) {
    const message = 'Of the claims of its calls only the digest is recorded'
    throw new RunsError(RUNS_CODES.valueLimit, message)
  }
  const items = claims.map((resource, i): Item => {
    const args = list[i] as JsonObject
    const secrets = carriedBy(args, resource, grants)
    return { given: args, args, resource, bounds: {}, secrets }
  })
  return { ...call, batch: true, secrets: [], items }
}
