/**
 * Error codes of runs. Codes change only at a major version, messages at any time: test with
 * `hasCode(error, code)`, never with `instanceof` across packages.
 */

import { IceError, type JsonObject } from '@ice/primitives'

export const RUNS_CODES = {
  /** No run has this id. */
  notFound: 'ICE_RUNS_NOT_FOUND',
  /** No step of this name waits for an answer. */
  stepNotFound: 'ICE_RUNS_STEP_NOT_FOUND',
  /** An effect names a proposal that this scope has not recorded, or one that is too old. */
  proposalNotFound: 'ICE_RUNS_PROPOSAL_NOT_FOUND',
  /** A step id was used twice in a run, or a step now waits for another call. */
  stepConflict: 'ICE_RUNS_STEP_CONFLICT',
  /** The idempotency key stands for a run with another program or input. */
  keyConflict: 'ICE_RUNS_KEY_CONFLICT',
  /** The input does not fit the program's schema, or JSON cannot hold it. */
  inputInvalid: 'ICE_RUNS_INPUT_UNSUPPORTED',
  /** The start lacks a grant that the program needs, or grants are malformed. */
  grantsInvalid: 'ICE_RUNS_GRANTS_UNSUPPORTED',
  /** A handler's outcome is no event type of the log, or two handlers carry out one action. */
  handlersInvalid: 'ICE_RUNS_HANDLERS_UNSUPPORTED',
  /** The program of the run is not registered here, or in another version. */
  programNotFound: 'ICE_RUNS_PROGRAM_NOT_FOUND',
  /** The run has concluded; nothing about it can be changed. */
  concluded: 'ICE_RUNS_CONCLUDED_CONFLICT',
  /** The program asked for other steps than those recorded: the run is in quarantine. */
  diverged: 'ICE_RUNS_DIVERGED_CONFLICT',
  /** Somebody set the run aside. */
  quarantined: 'ICE_RUNS_QUARANTINED_CONFLICT',
  /** The owners of the run died one after another: it is in quarantine. */
  crashLoop: 'ICE_RUNS_CRASH_LIMIT',
  /** The run is not in quarantine. */
  notQuarantined: 'ICE_RUNS_NOT_QUARANTINED_CONFLICT',
  /** Why something is done was not said. */
  reasonInvalid: 'ICE_RUNS_REASON_UNSUPPORTED',
  /** Of a restored log: what the run did after the backup is not in it. */
  restored: 'ICE_RUNS_RESTORED_CONFLICT',
  /** Another process took the run over while it was driven here. */
  ownershipLost: 'ICE_RUNS_OWNERSHIP_CONFLICT',
  /** The program waits on something that is not a step: it can never be resumed. */
  pendingOutside: 'ICE_RUNS_PENDING_OUTSIDE_UNSUPPORTED',
  /** Thrown into a program by `effect`: the effect was denied; `data.denial` says why. */
  effectDenied: 'ICE_RUNS_EFFECT_DENIED',
  /** Thrown into a program by `effect`: the effect failed; `cause` is its recorded error. */
  effectFailed: 'ICE_RUNS_EFFECT_FAILED_UNAVAILABLE',
  /** A value is larger than a blob may be, or a step id longer than an event carries. */
  valueLimit: 'ICE_RUNS_VALUE_LIMIT',
  /** A value cannot be held by JSON. */
  valueUnsupported: 'ICE_RUNS_VALUE_UNSUPPORTED',
  /** The program's result does not fit its output schema. */
  outputInvalid: 'ICE_RUNS_OUTPUT_UNSUPPORTED',
  /** A check refused the result. */
  checkFailed: 'ICE_RUNS_CHECK_CONFLICT',
  /** Someone asked for the run's abort. */
  aborted: 'ICE_RUNS_ABORTED',
  /** What is staged has a fold or a compensation, and so nobody to give it to, or no use. */
  stagedUnsupported: 'ICE_RUNS_STAGED_UNSUPPORTED',
  /** No handler here carries out, or undoes, what the run owes: it finishes where there is one. */
  handlerNotFound: 'ICE_RUNS_HANDLER_NOT_FOUND',
  /** The effect stays as it is: its handler does not undo it, or what it kept is gone. */
  compensationUnsupported: 'ICE_RUNS_COMPENSATION_UNSUPPORTED',
  /** Denial, and why an effect stays as it is: there is no right to undo it. */
  compensationDenied: 'ICE_RUNS_COMPENSATION_DENIED',
  /** Nobody knows whether an effect was undone: a person has to say. */
  compensationInDoubt: 'ICE_RUNS_COMPENSATION_IN_DOUBT',
  /** An attempt to undo an effect took too long, and was told to stop. */
  compensationTimeout: 'ICE_RUNS_COMPENSATION_TIMEOUT_ABORTED',
  /** More is staged than one append can carry out. */
  stagedLimit: 'ICE_RUNS_STAGED_LIMIT',
  /** A wait, or a fork, that cannot be asked for. */
  waitInvalid: 'ICE_RUNS_WAIT_UNSUPPORTED',
  /** A retry policy, a timeout or a batch that cannot be asked for. */
  attemptsInvalid: 'ICE_RUNS_ATTEMPTS_UNSUPPORTED',
  /** A handler did not report of every call of a batch. */
  batchReport: 'ICE_RUNS_BATCH_REPORT_CORRUPT',
  /** An attempt took longer than it may; its handler was aborted. */
  attemptTimeout: 'ICE_RUNS_ATTEMPT_TIMEOUT_UNAVAILABLE',
  /** The handler of an attempt was silent for longer than it may; it was aborted. */
  heartbeatMissed: 'ICE_RUNS_HEARTBEAT_UNAVAILABLE',
  /** The attempts of an effect together took longer than they may. */
  totalTimeout: 'ICE_RUNS_TOTAL_TIMEOUT_UNAVAILABLE',
  /** A breaker that is none, or of a name that another has. Denial: its `covers` threw. */
  breakersInvalid: 'ICE_RUNS_BREAKERS_UNSUPPORTED',
  /** Denial: the breaker that covers the call is open, and the call may not wait. */
  breakerOpen: 'ICE_RUNS_BREAKER_OPEN_DENIED',
  /** A signal that the program does not declare, or whose payload does not fit its schema. */
  signalInvalid: 'ICE_RUNS_SIGNAL_UNSUPPORTED',
  /** More signals wait in the inbox of the run than it may have. */
  signalLimit: 'ICE_RUNS_SIGNAL_LIMIT',
  /** A child has ended without a result. */
  childFailed: 'ICE_RUNS_CHILD_UNAVAILABLE',
  /** Children of children of children: deeper than runs may lie. */
  depthLimit: 'ICE_RUNS_DEPTH_LIMIT',
  /** A run cannot be forked there, or what is replaced lies before that. */
  forkUnsupported: 'ICE_RUNS_FORK_UNSUPPORTED',
  /** A fork that goes on and on: nothing in it comes to an end. */
  forkLimit: 'ICE_RUNS_FORK_LIMIT',
  /** The run has no event of this version. */
  versionNotFound: 'ICE_RUNS_VERSION_NOT_FOUND',
  /** The service is closed. */
  notOpen: 'ICE_RUNS_NOT_OPEN',
  /** The rows of the index stand somewhere else than their mover thinks: somebody moved them. */
  indexConflict: 'ICE_RUNS_INDEX_CONFLICT',
  /** A question to the index that it does not answer: a limit that is none, too long a list. */
  indexUnsupported: 'ICE_RUNS_INDEX_UNSUPPORTED',
  /** A supervisor is told a bound, a weight or a rate that is none. */
  supervisorInvalid: 'ICE_RUNS_SUPERVISOR_UNSUPPORTED',
  /** A schedule with a member that is none: fields of cron, a time zone, a bound. */
  scheduleInvalid: 'ICE_RUNS_SCHEDULE_UNSUPPORTED',
  /** No schedule has this id. */
  scheduleNotFound: 'ICE_RUNS_SCHEDULE_NOT_FOUND',
  /** The id is, or was, another schedule's; or the schedule is deleted. */
  scheduleConflict: 'ICE_RUNS_SCHEDULE_CONFLICT',
  /** The log has as many schedules as it may. */
  scheduleLimit: 'ICE_RUNS_SCHEDULE_LIMIT',
  /** Denial: the name stands for no grant in this run. */
  grantUnbound: 'ICE_RUNS_GRANT_UNBOUND_DENIED',
  /** Denial: no handler carries out this action here. */
  actionUnknown: 'ICE_RUNS_ACTION_UNKNOWN_DENIED',
  /** Denial: the handler does not take such arguments. */
  argumentsInvalid: 'ICE_RUNS_ARGUMENTS_DENIED',
  /** Denial: a secret is named in no way that is known, or by a call that carries too many. */
  secretHandle: 'ICE_RUNS_SECRET_HANDLE_DENIED',
  /** Denial: the grant of a secret wants an approval, which belongs on the effect's grant. */
  secretApproval: 'ICE_RUNS_SECRET_APPROVAL_DENIED',
  /** Denial: the person who was asked refused. */
  approvalRejected: 'ICE_RUNS_APPROVAL_REJECTED_DENIED',
  /** Denial: nobody answered the question until it lapsed. */
  approvalLapsed: 'ICE_RUNS_APPROVAL_LAPSED_DENIED',
  /** Denial: the right to the effect ended while its handler was at work, before it had acted. */
  effectRevoked: 'ICE_RUNS_EFFECT_REVOKED_DENIED',
  /** Whoever answered is not among those who may answer; it was recorded, and does not count. */
  answererDenied: 'ICE_RUNS_ANSWERER_DENIED',
  /** The question had lapsed before the answer. */
  answerLate: 'ICE_RUNS_ANSWER_LATE_CONFLICT',
  /** No standing approval can be made of this question. */
  standingUnsupported: 'ICE_RUNS_STANDING_UNSUPPORTED',
  /** The right to an effect has ended: no answer counts, and a handler is aborted with this. */
  rightEnded: 'ICE_RUNS_RIGHT_ENDED_CONFLICT',
  /** Denial, and thrown: `$ref` stands where no reference of this run does. */
  referenceUnknown: 'ICE_RUNS_REFERENCE_DENIED',
  /** Denial: the run holds as many references as it may. */
  referenceLimit: 'ICE_RUNS_REFERENCE_LIMIT',
  /** The result of a program holds a reference: it would mean nothing once the run is over. */
  referenceInResult: 'ICE_RUNS_REFERENCE_UNSUPPORTED',
  /** The value does not have the label that somebody wants to widen. */
  labelConflict: 'ICE_RUNS_LABEL_CONFLICT',
  /** Denial: the handler found, before it acted, that the call reaches outside its grant. */
  handlerRefused: 'ICE_RUNS_HANDLER_DENIED',
  /** A simulated run broke a promise: the message has the seed and the shortest trace. */
  simulation: 'ICE_RUNS_SIMULATION_CONFLICT',
} as const

/** A code of this package. */
export type RunsCode = (typeof RUNS_CODES)[keyof typeof RUNS_CODES]

/** Codes of what may go well when it is tried again. */
const RETRYABLE: ReadonlySet<RunsCode> = new Set([
  RUNS_CODES.attemptTimeout,
  RUNS_CODES.heartbeatMissed,
])

/** A failure of a run, or of a command to one. */
export class RunsError extends IceError {
  declare readonly code: RunsCode

  constructor(code: RunsCode, message: string, data: JsonObject = {}, cause?: unknown) {
    super({ code, message, data, cause, retryable: RETRYABLE.has(code) })
  }
}
