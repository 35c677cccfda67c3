/**
 * A payload, or several, of every standard type: what golden histories are made of. Each member
 * that may be left out is there once and left out once, as far as a type has any.
 */
import type { StandardPayloads } from '../src/types/index.ts'

const run = '0192a1b2-c3d4-7000-8000-000000000001'
const grant = '0192a1b2-c3d4-7000-8000-00000000000a'
const parent = '0192a1b2-c3d4-7000-8000-00000000000b'
const digest = 'c0ffee00'.repeat(8)
const inline = { inline: { text: '“ünïcödé” \u0007 \\ "', list: [1, -0.5, 1e21, null, true] } }
const blob = { blob: { $blob: digest, size: 9_000 } }
const sealed = { blob: { $blob: digest, size: 9_000, key: 'key-1' } }
const program = { name: 'survey', version: '1.2.0' }
const intent = `run/${run}@7`
const cause = { code: 'EACCES', message: 'not allowed', retryable: false }
const error = { code: 'ICE_X_Y', message: 'why', retryable: true }
const failure = { ...error, data: { path: '/a', deep: { er: [1] } }, cause }
const share = { grant, unit: 'money/EUR', amount: 1_500_000 }
const shares = [{ grant, unit: 'uses', amount: 1 }, share, { ...share, unit: 'rate', window: 7 }]
const label = { sources: ['net:example.com'], readers: null }
const labels = { '': label, '/to': { sources: [], readers: ['os:alice'] } }
const ceiling = { name: 'cedar', version: '4', digest }
const outcome = { effect: 'read', attempt: 1, intent, result: inline, observed: {} }
const more = { observed: { bytes: 9_000, mode: 'r' }, label, spent: shares }
const other = { ...outcome, attempt: 2, result: sealed, ...more }
const verdict = { step: 'write', digest, request: intent }
const resource = { kind: 'fs', root: '/srv', path: 'a/b.txt' }
const basis = [{ stream: `grant/${grant}`, version: 1 }]
const denial = { code: 'ICE_CAPABILITIES_EXPIRED', message: 'expired', data: { at: 5 }, causes: [] }
const change = { memory: 'fact/1', reason: 'replaced' }

export const samples: { readonly [T in keyof StandardPayloads]: readonly StandardPayloads[T][] } = {
  RunCreated: [
    { run, program, input: inline, owner: 'worker-1', epoch: 1, grants: [] },
    {
      ...{ run, program, input: blob, owner: 'worker-1', epoch: 3, key: 'once' },
      ...{ grants: [{ name: 'files', grant }], tags: { team: 'a', '': '' } },
      ...{ labels, held: [{ path: '/to', blob: blob.blob }] },
    },
    {
      ...{ run, program, input: inline, owner: 'worker-1', epoch: 1, grants: [], deadline: 99 },
      ...{
        parent: { run, step: 'fan/1', depth: 2, detached: true as const },
        continues: { run, first: run, taken: { paid: 3 } },
      },
      ...{ queue: 'mail', concurrencyKey: 'alice', priority: -5, schedule: 'nightly' },
    },
  ],
  RunRequested: [{ run, program, inputDigest: digest }],
  RunClaimed: [{ owner: 'worker-2', epoch: 2, previous: 'worker-1' }],
  RunProvisioned: [{ limits: {} }, { limits: { effects: 100, ms: 60_000 } }],
  ResourcesAllocated: [{ resources: [] }, { resources: ['execution'] }],
  ContextResolved: [{}, { agent: 'writer', workspace: '/srv' }],
  MemoryMounted: [{ views: [] }, { views: [{ view: 'facts', asOf: 41 }] }],
  CapabilitiesBound: [{ grants: [] }, { grants: [{ name: 'files', grant }] }],
  ExecutionWindowOpened: [{}],
  RunSuspended: [
    { waitingFor: ['write', 'name\nof two lines'] },
    { waitingFor: ['nap'], until: 1_767_225_600_000 },
  ],
  RunResumed: [{}],
  AbortRequested: [{ reason: '' }],
  EffectFailed: [
    { effect: 'read', attempt: 1, intent, error },
    { effect: 'read', attempt: 2, intent, error: failure, spent: [], label },
  ],
  EffectRevoked: [
    { effect: 'send', attempt: 1, intent, by: [`grant/${grant}@2`, 'stop/all@1'], proof: error },
  ],
  EffectInDoubt: [
    { effect: 'send', attempt: 1, intent },
    { effect: 'send', attempt: 1, intent, error: failure },
  ],
  EffectDoubtResolved: [
    { effect: 'send', intent, happened: false, evidence: 'the outbox is empty' },
    { effect: 'send', intent, happened: true, result: inline, evidence: 'it arrived' },
  ],
  ValidationStarted: [{ result: inline, resultDigest: digest }],
  ValidationPassed: [{ checks: ['output'] }],
  ValidationFailed: [{ checks: ['output', 'sum'], failures: [{ check: 'sum', error: failure }] }],
  RunCommitted: [{ resultDigest: digest }, { resultDigest: digest, continuedAs: run }],
  RunAborted: (['provisioning', 'context', 'execution', 'validation', 'commit'] as const).map(
    (phase) => ({ phase }),
  ),
  AbortReasonDeclared: [{ reason: 'enough' }, { reason: 'it failed', error: failure }],
  RunForciblyTerminated: [{ reason: 'stop', doubts: ['send'] }],
  ResourcesReleased: [{ resources: ['execution'] }],
  RunTerminated: (['committed', 'aborted', 'terminated_by_runtime'] as const).map((conclusion) => ({
    conclusion,
    doubts: [],
  })),
  TaxonomyAdopted: [
    { digest, previous: null, types: 60, schemas: blob },
    { digest, previous: 'ab'.repeat(32), types: 61, schemas: blob },
  ],
  LogConfigured: (['memory', 'process', 'disk'] as const).map((durability) => ({
    durability,
    store: 'sqlite',
    incarnation: run,
    since: 1_767_225_600_000,
  })),
  LogRestored: (['backup', 'import'] as const).map((how) => ({
    ...{ how, from: 'memory', incarnation: run, head: 41, root: digest, doubts: 2 },
  })),
  SegmentSealed: [
    {
      ...{ segment: 'a-1.seg', digest, root: digest, incarnation: run, bytes: 9, events: 2 },
      ...{ streams: 1, blobs: 0, firstPosition: 1, lastPosition: 2, firstTime: 0, lastTime: 5 },
    },
  ],
  TimerSet: [{ step: 'nap', due: 1_767_225_600_000 }],
  TimerFired: [{ step: 'nap', timer: intent }],
  SignalReceived: [
    { signal: 'paid', payload: inline, digest },
    { signal: 'paid', payload: blob, digest, key: 'invoice-7', label },
  ],
  SignalAwaited: [
    { step: 'wait', signal: 'paid', expiresAt: null },
    { step: 'wait', signal: 'paid', expiresAt: 99 },
  ],
  SignalConsumed: [
    { step: 'wait', signal: intent, name: 'paid', digest },
    { step: 'wait', signal: intent, name: 'paid', digest, label },
  ],
  EventAwaited: [
    { step: 'wait', types: ['RunTerminated'], after: 0, expiresAt: null },
    { step: 'wait', types: ['FileWritten'], streamPrefix: 'run/', after: 7, expiresAt: 99 },
  ],
  EventMatched: [
    { step: 'wait', event: intent, position: 8 },
    { step: 'wait', event: intent, position: 8, label },
  ],
  WaitLapsed: [{ step: 'wait', awaited: intent }],
  ScopeCancelled: [{ step: 'race', scopes: ['race/b'], reason: 'another was first' }],
  ChildAwaited: [{ step: 'fan/1', child: run }],
  ChildConcluded: [
    { step: 'fan/1', child: run, conclusion: 'committed', result: inline, label },
    { step: 'fan/1', child: run, conclusion: 'aborted', reason: 'enough', label },
  ],
  EffectRetryScheduled: [
    { effect: 'send', attempt: 1, intent, error, at: 99 },
    { effect: 'send', attempt: 2, intent, error: failure, at: 99, spent: [], label },
  ],
  EffectDeferred: [{ effect: 'send', attempt: 1, breaker: 'mail', at: 99 }],
  EffectStaged: [
    { effect: 'send', action: 'net.send', arguments: inline, argumentsDigest: digest, grant: 'm' },
    {
      ...{ effect: 'send', action: 'net.send', arguments: blob, argumentsDigest: digest },
      ...{ grant: 'm', labels },
    },
  ],
  CompensationStarted: [
    { effect: 'write', attempt: 1, outcome: intent, action: 'fs.write', grant, basis },
    {
      ...{ effect: 'write', attempt: 2, outcome: intent, action: 'fs.write', grant, basis: [] },
      ...{ arguments: inline, argumentsDigest: digest },
    },
  ],
  CompensationSucceeded: [{ effect: 'write', attempt: 1, intent, observed: { bytes: 9 } }],
  CompensationFailed: [
    { effect: 'write', attempt: 1, intent, error, at: 99 },
    { effect: 'write', attempt: 2, intent, error: failure, at: null },
  ],
  CompensationAbandoned: [{ effect: 'write', outcome: intent, error }],
  RunQuarantined: [{ error: failure, program }],
  RunReleased: [{ reason: 'mended' }],
  PatchMarked: [{ step: 'newer-prices' }],
  ProgramChanged: [{ from: '1.2.0', to: '1.3.0' }],
  BreakerFailed: [{ breaker: 'mail', run, effect: 'send', code: 'ICE_X_Y' }],
  BreakerOpened: [{ breaker: 'mail', failures: 5, until: 99 }],
  BreakerProbed: [{ breaker: 'mail', run, effect: 'send', until: 99 }],
  BreakerClosed: [{ breaker: 'mail' }],
  ScheduleCreated: (['skip', 'queue', 'all'] as const).map((overlap) => ({
    ...{ schedule: 'nightly', cron: '0 3 * * *', zone: 'Europe/Vienna', program, input: inline },
    ...{ start: { queue: 'night' }, overlap, catchUpMs: 60_000 },
  })),
  ScheduleFired: [
    { schedule: 'nightly', due: 99, run },
    ...(['overlap', 'late', 'paused'] as const).map((skipped) => ({
      ...{ schedule: 'nightly', due: 99, skipped },
    })),
  ],
  SchedulePaused: [{ schedule: 'nightly', reason: 'holidays' }],
  ScheduleResumed: [{ schedule: 'nightly', reason: 'over' }],
  ScheduleDeleted: [{ schedule: 'nightly', reason: 'replaced' }],
  InferenceStep: [{ step: 's', content: inline }],
  DecisionProposed: [{ step: 's', proposal: blob, reason: 'because' }],
  HypothesisGenerated: [{ step: 's', hypothesis: inline }],
  UncertaintyDeclared: [{ step: 's', about: 'tomorrow' }],
  PlanStepProposed: [{ step: 's', plan: 'p', content: inline }],
  EffectSucceeded: [outcome, other],
  FileRead: [outcome, other],
  FileWritten: [outcome, other],
  FileDeleted: [outcome, other],
  DirectoryListed: [outcome, other],
  APIRequestExecuted: [outcome, other],
  UserNotificationSent: [outcome, other],
  TaskStarted: [{ task: 't' }, { task: 't', description: 'first' }],
  TaskCompleted: [{ task: 't', result: inline }],
  WorkflowAdvanced: [{ nodes: ['a', 'b'], done: 1, total: 3 }],
  MemoryPromoted: [
    {
      ...{ memory: 'fact/1', kind: 'fact', content: inline, sources: [intent], confidence: 0.75 },
      policy: { name: 'default', version: 1 },
    },
  ],
  MemoryExpired: [change],
  MemoryDeprecated: [change],
  MemorySuperseded: [{ ...change, by: 'fact/2' }],
  MemoryInvalidated: [change],
  CapabilityRequested: [{ action: 'fs.write', resource, reason: 'to save' }],
  CapabilityGranted: [
    {
      grant: {
        ...{ id: grant, holder: `run/${run}`, actions: ['fs.read'], resource, caveats: [] },
        ...{ parent: null, delegable: 0, notBefore: 0, expiresAt: null, revocable: true },
      },
    },
    {
      grant: {
        ...{ id: grant, holder: `run/${run}`, actions: ['fs.read', 'fs.list'], resource, parent },
        ...{ caveats: [{ kind: 'count', max: 3 }], delegable: 2, notBefore: 5, expiresAt: 99 },
        revocable: false,
      },
      label: 'files',
    },
  ],
  CapabilityUsed: (['observe', 'idempotent', 'irreversible'] as const).flatMap((fate) => {
    const used = {
      ...{ effect: 'read', attempt: 1, action: 'fs.read', resource, arguments: inline, grant },
      ...{ argumentsDigest: digest, chain: [grant, parent], basis, fate },
    }
    const authority = {
      standing: parent,
      ceiling,
      spends: shares,
      allotted: [share],
      labels,
      held: true as const,
    }
    return [used, { ...used, arguments: sealed, approval: intent, ...authority }]
  }),
  CapabilityDenied: (['decision', 'handler'] as const).flatMap((stage) => {
    const denied = {
      ...{ effect: 'read', attempt: 1, stage, action: 'fs.read', resource, grant, basis },
      ...{ argumentsDigest: digest, denial: { ...denial, causes: [denial] } },
    }
    return [denied, { ...denied, intent, label }]
  }),
  CapabilityRevoked: [{ grant, reason: 'over' }],
  CapabilityExpired: [{ grant, expiresAt: 99 }],
  CountDebited: [{ grant, run, effect: 'read', attempt: 1, count: 1 }],
  BudgetAllotted: [
    { ...share, run },
    { ...share, run, unit: 'rate', window: 7, ifLeft: true },
  ],
  BudgetDrawn: [{ shares: [share] }],
  BudgetReturned: [
    { ...share, run },
    { ...share, run, unit: 'rate', window: 7 },
  ],
  AuthorityStopped: [{ scope: 'agent/writer', reason: 'it writes too much' }],
  AuthorityResumed: [{ scope: 'agent/writer', reason: 'it was taught' }],
  PolicyAdopted: [
    { ...ceiling, previous: null, policy: inline },
    { ...ceiling, previous: digest, policy: blob },
  ],
  ApprovalRequested: (['effect', 'question'] as const).flatMap((kind) => {
    const asked = { step: 'write', kind, digest, prompt: 'Allow?', details: inline }
    return [
      { ...asked, expiresAt: null },
      {
        ...{ ...asked, expiresAt: 99, grant, approvers: ['os:alice'] },
        escalation: { at: 50, to: ['os:bob'] },
      },
    ]
  }),
  ApprovalGranted: [verdict, { ...verdict, comment: 'fine' }],
  AnswerRefused: [{ ...verdict, approved: true, code: 'ICE_RUNS_ANSWERER_DENIED' }],
  ApprovalRejected: [verdict, { ...verdict, comment: 'no' }],
  ApprovalConsumed: [{ step: 'write', answer: intent, approved: true }],
  ApprovalEscalated: [{ step: 'write', request: intent, to: ['os:bob'] }],
  ApprovalLapsed: [{ step: 'write', request: intent }],
  ValueEndorsed: [{ step: 'read', value: digest, sources: ['net:example.com'], reason: 'read' }],
  ValueDeclassified: [
    { step: 'read', value: digest, readers: ['os:bob'], reason: 'asked' },
    { step: 'read', value: digest, readers: null, reason: 'published' },
  ],
  ValueRevealed: [
    { step: 'show', reference: 'read', value: digest },
    { step: 'show', reference: 'read', value: digest, at: '/body' },
  ],
}
