/**
 * What a batch claims as a whole: what its intent records beside the list of its arguments.
 *
 *     the same claim of every call ──► that claim
 *     several ──► { each: […] }, or where they are too many { items, digest } of that list
 */

import { canonicalize, type JsonObject, sha256Hex } from '@ice/primitives'
import type { Carried } from './carried.ts'
import type { Item } from './effects.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { BATCH_CLAIMS_BYTES_MAX, SECRETS_PER_CALL_MAX } from './limits.ts'

/** A batch as one call: its claim, the sum of its bounds, and all the secrets in it. */
export function batchOf(items: readonly Item[]): Omit<Item, 'given'> {
  return {
    args: {},
    resource: claimOf(items.map(({ resource }) => resource)),
    bounds: sumOf(items.map(({ bounds = {} }) => bounds)),
    secrets: secretsOf(items),
  }
}

function claimOf(resources: readonly JsonObject[]): JsonObject {
  const texts = new Set(resources.map((resource) => canonicalize(resource)))
  const [only] = resources
  if (texts.size === 1 && only !== undefined) return only
  const list = canonicalize(resources)
  if (Buffer.byteLength(list) <= BATCH_CLAIMS_BYTES_MAX) return { each: [...resources] }
  return { items: resources.length, digest: sha256Hex(list) }
}

/** The claims of the calls of a batch, from what its intent records; `null`: only their digest. */
export function claimsIn(resource: JsonObject, items: number): readonly JsonObject[] | null {
  const each: unknown = Object.hasOwn(resource, 'each') ? resource['each'] : undefined
  if (Array.isArray(each) && each.length === items) return each as readonly JsonObject[]
  const isDigest = Object.hasOwn(resource, 'digest') && resource['items'] === items
  return isDigest ? null : Array.from({ length: items }, () => resource)
}

type Amounts = Item['bounds']

/** A unit that one of them says nothing of is one of which nobody knows what all take. */
function sumOf(all: readonly Amounts[]): Amounts {
  const sums = new Map<string, number>()
  const units = all.flatMap((amounts) => Object.keys(amounts))
  for (const unit of new Set(units)) {
    const said = all.flatMap((amounts) => amountOf(amounts, unit) ?? [])
    if (said.length === all.length)
      sums.set(
        unit,
        said.reduce((sum, each) => sum + each, 0),
      )
  }
  return Object.fromEntries(sums)
}

/** What is said of a unit, if anything. */
export function amountOf(amounts: Amounts, unit: string): number | undefined {
  if (!Object.hasOwn(amounts, unit)) return undefined
  return (amounts as Readonly<Record<string, number>>)[unit]
}

function secretsOf(items: readonly Item[]): readonly Carried[] {
  const found = new Map<string, Carried>()
  for (const secret of items.flatMap(({ secrets }) => secrets)) {
    found.set(JSON.stringify([secret.name, secret.grant]), secret)
  }
  if (found.size <= SECRETS_PER_CALL_MAX) return [...found.values()]
  const message = `A batch carries at most ${SECRETS_PER_CALL_MAX} secrets`
  throw new RunsError(RUNS_CODES.secretHandle, message)
}
