/** Calls as they are made ready to be decided: everything that needs no authority. */

import type { Label } from '@ice/capabilities/ports'
import { errorRecord, type JsonObject, type JsonValue } from '@ice/primitives'
import { callLabels, wholeLabel } from './call-labels.ts'
import { carriedBy } from './carried.ts'
import { denied, refusal } from './denied.ts'
import type { Call, Denied, Item } from './effects.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { batchOf } from './item-claims.ts'
import type { RunFold } from './lifecycle.ts'
import { HELD_VALUES_MAX, INLINE_VALUE_BYTES_MAX } from './limits.ts'
import type { EffectHandler, RunPlace } from './ports.ts'
import { prepareCompensation } from './reserved.ts'
import { sealValue } from './value.ts'

/** What preparing a call adds to it. */
type Prepared =
  | 'args'
  | 'bounds'
  | 'compensation'
  | 'grant'
  | 'handler'
  | 'resource'
  | 'sealed'
  | 'secrets'

/** Everything that does not depend on authority: may it be decided at all? */
export function prepareCall(
  init: Omit<Call, Prepared>,
  fold: RunFold,
  handlers: ReadonlyMap<string, EffectHandler>,
): Call | Denied {
  const { request } = init
  const sealed = sealValue(request.arguments)
  const refuse = (code: string, message: string, cause?: unknown): Denied =>
    denied({ ...init, sealed, resource: {} }, request.grant, refusal(code, message, cause), {
      label: refusalLabel(init, fold),
    })
  const handler = handlers.get(request.action)
  if (handler === undefined) {
    const known = [...handlers.keys()].join(', ')
    const message = `No handler here carries out "${request.action}"; there are: ${known}`
    return refuse(RUNS_CODES.actionUnknown, message)
  }
  const reference = referenceFault(init, fold)
  if (reference !== null) return refuse(reference.code, reference.message)
  let parsed: readonly Parsed[]
  try {
    const given = init.batch ? (init.given as readonly JsonValue[]) : [init.given]
    parsed = given.map((one) => parsedBy(handler, one, init.place))
  } catch (cause) {
    const message = `${request.action} does not take these arguments`
    return refuse(RUNS_CODES.argumentsInvalid, message, cause)
  }
  const grant = fold.grants.get(request.grant)
  if (grant === undefined) {
    const bound = [...fold.grants.keys()].map((name) => `"${name}"`).join(', ') || 'none'
    const message = `This run has no grant called "${request.grant}"; it has: ${bound}`
    return refuse(RUNS_CODES.grantUnbound, message)
  }
  try {
    const items = parsed.map((one): Item => {
      return { ...one, secrets: carriedBy(one.args, one.resource, fold.grants) }
    })
    const [only] = items
    const whole = init.batch || only === undefined ? batchOf(items) : only
    const { args, resource, bounds, secrets } = whole
    const { compensation: named } = request
    const compensation =
      named === undefined ? undefined : prepareCompensation(named, fold.grants, handlers)
    const own = { handler, sealed, args, resource, bounds, grant, secrets, compensation }
    const call = { ...init, ...own }
    return init.batch ? { ...call, items } : call
  } catch (cause) {
    const { code, message } = errorRecord(cause)
    return refuse(code, message)
  }
}

type Parsed = Omit<Item, 'secrets'>

function parsedBy(handler: EffectHandler, given: JsonValue, place?: RunPlace): Parsed {
  const args = handler.arguments.parse(given)
  const resource = handler.resource(args, place)
  checkClaim(resource)
  return { given, args, resource, bounds: handler.bounds?.(args) ?? {} }
}

/**
 * Where what a refusal says may come from: it may quote the contents of references, which the
 * program has not seen. Of arguments without any it says nothing that the program did not know.
 */
export function refusalLabel(
  { bound, askedAt }: Pick<Call, 'bound' | 'askedAt'>,
  { labels }: RunFold,
): Label | null {
  if (bound.references.length === 0) return null
  return wholeLabel(callLabels(labels, askedAt, bound.references))
}

/** Why the references of a call, or its wish to hold the result, cannot be met. */
function referenceFault({ unfilled, hold }: Pick<Call, 'unfilled' | 'hold'>, fold: RunFold) {
  if (unfilled !== null) return unfilled
  if (!hold || fold.labels.held.size + fold.open.size < HELD_VALUES_MAX) return null
  const message = `A run holds at most ${HELD_VALUES_MAX} references`
  return new RunsError(RUNS_CODES.referenceLimit, message)
}

/** What an effect claims stands in its intent: small, and nothing that JSON cannot hold. */
function checkClaim(resource: JsonObject): void {
  if (sealValue(resource).blob === null) return
  const data = { bytesMax: INLINE_VALUE_BYTES_MAX }
  throw new RunsError(RUNS_CODES.valueLimit, 'The claim on the resource is too large', data)
}
