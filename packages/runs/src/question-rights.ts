/**
 * The rights under open questions: what a person is asked about may end while nobody has answered.
 *
 *     asked ──────── waits ────────┬─ the right ends ─► no answer counts; who drives it is woken,
 *                                  │                    and the effect is denied with its reason
 *                                  └─ an answer ─► an intent, if the right still stands
 *
 * 1. Whether a right has ended is authority's word, about the grant of the question and for whom
 *    the run acts. What else might speak against the call (arguments, budgets, a policy) is decided
 *    with the call and ends no question.
 * 2. Nothing is recorded of it in the run but the denial, by whoever drives it. So a question under
 *    a switch that is lifted again, before anybody has driven the run, can be answered again.
 *
 * The trap: a yes to what nobody may do any more. The intent would be refused, and the person who
 * said it would be told that all is well; so it is refused to them, and guarded by what it was
 * decided on.
 */

import type {
  Authority,
  AuthorityRequest,
  DenialCause,
  Grant,
  GrantState,
} from '@ice/capabilities/ports'
import type { Guard } from '@ice/events/ports'
import type { Clock, GrantId, Hash, Timestamp } from '@ice/primitives'
import type { Components } from './components.ts'
import { CHAIN_LINKS_MAX } from './limits.ts'
import type { RunView, WaitingStep } from './ports.ts'

/** Codes of what has ended, or was never there; of a denial they say that no answer helps. */
const ENDED: ReadonlySet<string> = new Set([
  'ICE_CAPABILITIES_GRANT_NOT_FOUND',
  'ICE_CAPABILITIES_CHAIN_BROKEN',
  'ICE_CAPABILITIES_STOPPED',
  'ICE_CAPABILITIES_GRANT_REVOKED',
  'ICE_CAPABILITIES_GRANT_EXPIRED',
])

/** Streams whose next event may end a right. */
const ENDING = /^(?:grant|stop)\//

/** For whom a run acts. */
export type Acting = Pick<RunView, 'run' | 'agent' | 'session' | 'principal'>

/** What can be asked about the right to what a question is about. */
type Rights = Pick<Authority, 'basis' | 'decide' | 'grant' | 'refresh'>

/** How the right under a question stands. */
export interface QuestionRight {
  /** Why it has ended; `null` while it stands. */
  readonly ended: DenialCause | null
  /** What it stands on: streams of grants and of stop switches. */
  readonly guards: readonly Guard[]
  /** When the first link of its chain ends by time. */
  readonly expiresAt: Timestamp | null
}

/**
 * How the right under a question stands, after authority has caught up with the log. A question
 * that is about no grant stands on nothing.
 */
export async function rightOf(
  authority: Rights,
  acting: Acting,
  waiting: WaitingStep,
  at: Timestamp,
): Promise<QuestionRight> {
  const { grant } = waiting
  if (grant === undefined) return { ended: null, guards: [], expiresAt: null }
  const request = requestOf(acting, waiting, grant, at)
  await authority.refresh([grant], request)
  const decision = authority.decide(request)
  const causes = 'denied' in decision ? decision.denied.causes : []
  return {
    ended: causes.find(({ code }) => ENDED.has(code)) ?? null,
    guards: authority.basis(request).filter(({ stream }) => ENDING.test(stream)),
    expiresAt: soonestEnd(authority, grant),
  }
}

/** About the right alone: what the call is otherwise is not known here, and not looked at. */
function requestOf(
  { run, agent, session, principal }: Acting,
  { digest, call, proposer }: WaitingStep,
  grant: GrantId,
  at: Timestamp,
): AuthorityRequest {
  return {
    run,
    ...(agent === null ? {} : { agent }),
    ...(session === null ? {} : { session }),
    ...(principal === null ? {} : { principal }),
    ...(proposer === undefined ? {} : { proposer }),
    grant,
    action: call?.action ?? 'effect',
    resource: call?.resource ?? {},
    arguments: null,
    argumentsDigest: digest as Hash,
    callDigest: digest as Hash,
    at,
  }
}

function soonestEnd(authority: Pick<Rights, 'grant'>, first: GrantId): Timestamp | null {
  let soonest: Timestamp | null = null
  let next: GrantId | null = first
  for (let links = 0; next !== null && links < CHAIN_LINKS_MAX; links += 1) {
    const state: GrantState | undefined = authority.grant(next)
    const grant: Grant | undefined = state?.grant
    const end = grant?.expiresAt ?? null
    if (end !== null && (soonest === null || end < soonest)) soonest = end
    next = grant?.parent ?? null
  }
  return soonest
}

/** A run as others see it, with what is known of the rights under its questions. */
export async function withRights(
  { authority, clock }: { readonly authority: Rights; readonly clock: Pick<Clock, 'now'> },
  view: RunView,
): Promise<RunView> {
  if (!view.waitingFor.some(({ grant }) => grant !== undefined)) return view
  const waitingFor: WaitingStep[] = []
  for (const waiting of view.waitingFor) {
    const { ended } = await rightOf(authority, view, waiting, clock.now())
    const told = ended === null ? {} : { ended: { code: ended.code, message: ended.message } }
    waitingFor.push({ ...waiting, ...told })
  }
  return { ...view, waitingFor }
}

/** Watches over the questions of one run while it is driven. */
export class QuestionRights {
  readonly #components: Pick<Components, 'authority' | 'clock' | 'log' | 'rights'>
  /** Steps whose right may have ended since they were last looked at. */
  #moved = new Set<string>()

  constructor(components: Pick<Components, 'authority' | 'clock' | 'log' | 'rights'>) {
    this.#components = components
  }

  /** The steps that have to be decided once more; since the last call. */
  take(): readonly string[] {
    const moved = [...this.#moved]
    this.#moved = new Set()
    return moved
  }

  /**
   * Calls `wake` once the right under one of these questions has ended, or may have. The rights are
   * looked at first: an end between the question and this moment is not passed over.
   *
   * @returns an end to that
   */
  async watch(
    acting: Acting,
    questions: readonly WaitingStep[],
    wake: () => void,
  ): Promise<() => void> {
    const { authority, clock, log, rights } = this.#components
    const asked = questions.filter(({ grant }) => grant !== undefined)
    if (asked.length === 0) return () => undefined
    const over = new AbortController()
    const leaves: (() => void)[] = []
    const moved = (step: string): void => {
      if (over.signal.aborted) return
      this.#moved.add(step)
      wake()
    }
    const { position: since } = await log.store.head()
    for (const waiting of asked) {
      const { step } = waiting
      const { ended, guards, expiresAt } = await rightOf(authority, acting, waiting, clock.now())
      if (ended !== null) {
        moved(step)
        continue
      }
      leaves.push(rights.add({ guards, since }, () => moved(step)))
      if (expiresAt === null) continue
      const { signal } = over
      clock.sleep(Math.max(expiresAt - clock.now(), 0), { signal }).then(
        () => moved(step),
        // Withdrawn: nobody waits any longer.
        () => undefined,
      )
    }
    return () => {
      over.abort()
      for (const leave of leaves) leave()
    }
  }
}
