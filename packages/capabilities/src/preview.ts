/**
 * What an end would affect: a fold of the runs of a log that have not concluded, and of its grants,
 * held against what is to end.
 *
 * The fold is one of its own, and forgives: who is about to stop something must see what there is,
 * also where one run of the log is odd. It holds what is open, not what was ever run.
 */
import type { EventLog, RecordedEvent } from '@ice/events/ports'
import type { EventId, GrantId, RunId } from '@ice/primitives'
import { isRecord, own } from './plain.ts'
import type { EndingPreview, Party, StopScope } from './ports.ts'
import type { GrantEntry } from './state.ts'
import { stopStream, stopStreams } from './stops.ts'

interface OpenEffect {
  readonly effect: string
  readonly action: string
  readonly fate: string
  readonly intent: EventId
  readonly chain: readonly unknown[]
  readonly proposer: string | undefined
}

interface Question {
  readonly step: string
  readonly prompt: string
  readonly request: EventId
  readonly grant: unknown
  readonly proposer: string | undefined
}

interface OpenRun {
  readonly party: Party
  readonly grants: ReadonlySet<unknown>
  readonly effects: Map<string, OpenEffect>
  readonly questions: Map<string, Question>
}

/** What is to end, worked out: which grants, and which runs as a whole. */
export interface Ending {
  readonly grants: ReadonlySet<GrantId>
  concerns(party: Party): boolean
}

/** The runs of a log that have not ended. */
export type OpenRuns = ReadonlyMap<RunId, OpenRun>

/** Reads every run of the log. */
export async function readOpenRuns(log: Pick<EventLog, 'readAll'>): Promise<OpenRuns> {
  const open = new Map<RunId, OpenRun>()
  for await (const batch of log.readAll({ filter: { streamPrefix: 'run/' } })) {
    for (const event of batch) take(open, event)
  }
  return open
}

function take(open: Map<RunId, OpenRun>, event: RecordedEvent): void {
  const id = event.stream.slice('run/'.length) as RunId
  const data = isRecord(event.data) ? event.data : {}
  if (event.type === 'RunCreated') open.set(id, created(id, event, data))
  const run = open.get(id)
  if (run === undefined) return
  if (CONCLUSIONS.has(event.type)) open.delete(id)
  else evolve(run, event, data)
}

const CONCLUSIONS: ReadonlySet<string> = new Set([
  'RunCommitted',
  'RunAborted',
  'RunForciblyTerminated',
  'RunTerminated',
])

type Data = Readonly<Record<string, unknown>>

function text(data: Data, name: string): string | undefined {
  const value = own(data, name)
  return typeof value === 'string' ? value : undefined
}

function created(run: RunId, { principal }: RecordedEvent, data: Data): OpenRun {
  const bound = own(data, 'grants')
  const standing = own(data, 'standing')
  const grants = (Array.isArray(bound) ? bound : []).map((each) =>
    isRecord(each) ? own(each, 'grant') : undefined,
  )
  return {
    party: { run, agent: text(data, 'agent'), session: text(data, 'session'), principal },
    grants: new Set([...grants, ...(Array.isArray(standing) ? standing : [])]),
    effects: new Map(),
    questions: new Map(),
  }
}

function evolve({ effects, questions }: OpenRun, event: RecordedEvent, data: Data): void {
  const step = text(data, 'step') ?? text(data, 'effect') ?? ''
  switch (event.type) {
    case 'CapabilityUsed': {
      const chain = own(data, 'chain')
      questions.delete(step)
      effects.set(step, {
        effect: step,
        action: text(data, 'action') ?? '',
        fate: text(data, 'fate') ?? '',
        intent: event.id,
        chain: Array.isArray(chain) ? chain : [],
        proposer: text(data, 'proposer'),
      })
      return
    }
    case 'ApprovalRequested': {
      const prompt = text(data, 'prompt') ?? ''
      const grant = own(data, 'grant')
      const proposer = text(data, 'proposer')
      questions.set(step, { step, prompt, request: event.id, grant, proposer })
      return
    }
    case 'EffectDoubtResolved':
    case 'ApprovalEscalated':
    case 'AnswerRefused':
      return
    default:
      // Every other event that names a step, or an intent, is an end of one or the other.
      if (text(data, 'intent') !== undefined || event.type === 'CapabilityDenied') {
        effects.delete(step)
      }
      questions.delete(step)
  }
}

/** Holds the open runs against what is to end. */
export function endingPreview(
  runs: OpenRuns,
  { grants, concerns }: Ending,
): Omit<EndingPreview, 'grants'> {
  const hits = (ids: Iterable<unknown>): boolean => [...ids].some((id) => grants.has(id as GrantId))
  const found = [...runs].flatMap(([run, open]) => {
    const whole = concerns(open.party)
    const follows = ({ proposer }: { readonly proposer: string | undefined }): boolean =>
      proposer !== undefined && concerns({ ...open.party, proposer })
    const effects = [...open.effects.values()].filter((each) => {
      return whole || follows(each) || hits(each.chain)
    })
    const approvals = [...open.questions.values()].filter((each) => {
      return whole || follows(each) || hits([each.grant])
    })
    const isBound = whole || hits(open.grants) || effects.length + approvals.length > 0
    return isBound ? [{ run, effects, approvals }] : []
  })
  return {
    runs: found.map(({ run }) => run),
    effects: found.flatMap(({ run, effects }) =>
      effects.map(({ effect, action, fate, intent }) => ({ run, effect, action, fate, intent })),
    ),
    approvals: found.flatMap(({ run, approvals }) =>
      approvals.map(({ step, prompt, request }) => ({ run, step, prompt, request })),
    ),
  }
}

/**
 * What stopping a scope ends: what its runs do, the grants they hold, and those that came through
 * the hands of the scope itself. What one of its runs handed on has that run's switch.
 */
export function stopEnding(scope: StopScope, runs: OpenRuns, all: Iterable<GrantEntry>): Ending {
  const stream = stopStream(scope)
  const concerns = (party: Party): boolean => stopStreams(party).includes(stream)
  const holders = new Set<string>()
  for (const [run, { party }] of runs) if (concerns(party)) holders.add(`run/${run}`)
  const entries = [...all]
  const holder = holderOf(scope)
  const handed = entries.filter(({ grant }) => holder === 'all' || grant?.holder === holder)
  const grants = new Set(handed.map(({ id }) => id))
  for (const { children } of handed) {
    for (const child of children ?? []) {
      if (grants.has(child.id)) continue
      grants.add(child.id)
      handed.push(child)
    }
  }
  for (const { id, grant } of entries) if (holders.has(grant?.holder ?? '')) grants.add(id)
  return { concerns, grants }
}

/** The holder that a scope is; of everything none is. */
function holderOf(scope: StopScope): string {
  return scope.replace(/^operator\//, 'principal/')
}
