/**
 * Standing approvals, as they are issued: from the question a person answers to a grant that
 * stands for the answer to the next ones.
 *
 * It is recorded in the append of the answer, so that neither is there without the other, and it
 * covers no more than what was shown: by default exactly this call, again and again.
 */

import type { RootGrantSpec } from '@ice/capabilities/ports'
import type { GrantId, JsonObject, Timestamp } from '@ice/primitives'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { RunFold } from './lifecycle.ts'
import type { StandingCommand, WaitingStep } from './ports.ts'

/** The action and the kind of such a grant, as `@ice/capabilities` knows them. */
const APPROVE_ACTION = 'approval.stand'
const KIND = 'approval'

/** The grant that is to stand for answers like this one. @throws `ICE_RUNS_STANDING_UNSUPPORTED` */
export function standingSpec(
  fold: RunFold,
  { step, call }: WaitingStep,
  command: StandingCommand,
  id: GrantId,
): RootGrantSpec {
  const { covers = 'call', holder = 'run', count, expiresAt } = command
  if (call === undefined) throw unsupported('only the call of an effect', step)
  const { argumentsDigest } = call
  if (covers === 'call' && argumentsDigest === undefined) {
    throw unsupported('the question does not tell its arguments; only a place or an action', step)
  }
  const who = { run: fold.view?.run, agent: fold.view?.agent, session: fold.view?.session }[holder]
  if (who == null) throw unsupported(`the run acts for no ${holder}: only what it holds`, step)
  if (holder !== 'run' && count === undefined && expiresAt === undefined) {
    throw unsupported(`what a ${holder} holds outlives the run: only with a count or an end`, step)
  }
  const resource: JsonObject & { readonly kind: string } = {
    kind: KIND,
    grant: call.grant,
    actions: [call.action],
    ...(covers === 'action' ? {} : { resources: [call.resource] }),
    ...(covers === 'call' && argumentsDigest !== undefined ? { arguments: [argumentsDigest] } : {}),
  }
  return {
    id,
    holder: `${holder}/${who}`,
    actions: [APPROVE_ACTION],
    resource,
    caveats: count === undefined ? [] : [{ kind: 'count', max: count }],
    expiresAt: (expiresAt ?? null) as Timestamp | null,
  }
}

function unsupported(what: string, step: string): RunsError {
  const message = `No standing approval can be made of "${step}": ${what} can be approved so`
  return new RunsError(RUNS_CODES.standingUnsupported, message, { step })
}
