/** The start of a run: one append that holds the run, its key, and the grants issued to it. */

import type { RootGrantSpec } from '@ice/capabilities/ports'
import type { StandardPayloads } from '@ice/events/define'
import type { AppendedWrite, AppendRequest, RecordedEvent, StreamWrite } from '@ice/events/ports'
import {
  agentId,
  type GrantId,
  hasCode,
  isGrantId,
  type RunId,
  type StreamId,
  sessionId,
} from '@ice/primitives'
import type { Components } from './components.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import { type SealedInput, sealInput } from './input.ts'
import { runStream } from './journal.ts'
import { keyStream, requestOf } from './keys.ts'
import { GRANTS_MAX, GRANTS_PER_APPEND, STANDING_MAX } from './limits.ts'
import { placementOf } from './placement.ts'
import type { GrantSpec, Program, ProgramName, StartOptions } from './ports.ts'
import { recordedEvent } from './recorded.ts'
import type { SealedValue } from './value.ts'

/** A run that another starts: its id, and whose child it is. */
export interface Line {
  readonly run: RunId
  readonly parent: NonNullable<StandardPayloads['RunCreated']['parent']>
}

/** A start that a schedule makes. */
export interface ScheduledStart {
  readonly schedule: string
  readonly program: ProgramName
  readonly input: unknown
  readonly options: StartOptions
  /** What is written in the append of the start: if it cannot be, there is no run either. */
  readonly beside?: (run: RunId) => readonly StreamWrite[]
}

/** How a run is started from within: as a child, or by a schedule. */
type InnerStart = StartOptions & {
  readonly line?: Line
  readonly scheduled?: Pick<ScheduledStart, 'beside' | 'schedule'>
}

/** Records a run. @returns its id: an older run's, when the key already stands for one */
export async function startRun(
  components: Components,
  program: Program,
  input: unknown,
  options: InnerStart,
): Promise<RunId> {
  const held = sealInput(program, input, options)
  const { sealed } = held
  const specs = Object.entries(options.grants ?? {})
  checkGrants(program, specs)
  checkStanding(options)
  const run = options.line?.run ?? components.ids.nextRunId()
  const given = specs.filter((entry): entry is [string, GrantId] => typeof entry[1] === 'string')
  const grants = specs.flatMap(([name, spec]) =>
    typeof spec === 'string' ? [] : issue(components, run, name, spec, options),
  )
  const late = grants.slice(GRANTS_PER_APPEND)
  // Grants that do not fit into the append of the run are issued before it: a grant without a run
  // is worth nothing, a run without its grants would be wrong.
  for (let i = 0; i < late.length; i += GRANTS_PER_APPEND) {
    const writes = late.slice(i, i + GRANTS_PER_APPEND).map(({ write }) => write)
    await components.log.append({ writes })
  }
  const bound = [
    ...grants.map(({ name, grant }) => ({ name, grant })),
    ...given.map(([name, grant]) => ({ name, grant })),
  ]
  const created = creation(components, { run, program, held, bound, options })
  const key = keyWrite(program, run, sealed, options)
  const issued = grants.slice(0, GRANTS_PER_APPEND).map(writeOf)
  const beside = options.scheduled?.beside?.(run) ?? []
  const writes = [...created.writes, ...key, ...issued, ...beside]
  try {
    const { writes: appended } = await components.log.append({ ...created, writes })
    // Authority would find the grants by itself, at the price of a look into the log for each run.
    components.authority.observe(issuedEvents(grants, appended))
    return run
  } catch (error) {
    if (!hasCode(error, 'ICE_EVENTS_VERSION_CONFLICT') || key[0] === undefined) throw error
    // What was to be written beside it was not: who asked for that has to look again.
    if (beside.length > 0) throw error
    return existingRun(components, key[0].stream, program, sealed)
  }
}

/** @throws `ICE_RUNS_GRANTS_UNSUPPORTED` */
export function checkGrants(
  program: Program,
  specs: readonly (readonly [string, GrantSpec | GrantId])[],
): void {
  const given = new Set(specs.map(([name]) => name))
  const missing = (program.needs ?? []).filter((name) => !given.has(name))
  const odd = specs.filter(([, spec]) => typeof spec === 'string' && !isGrantId(spec))
  if (odd.length > 0) {
    const names = odd.map(([name]) => name)
    const message = `What stands for ${names.join(' and ')} is neither a grant to issue nor an id`
    throw new RunsError(RUNS_CODES.grantsInvalid, message, { names })
  }
  if (missing.length === 0 && specs.length <= GRANTS_MAX) return
  const message =
    missing.length > 0
      ? `${program.name} needs a grant called ${missing.map((name) => `"${name}"`).join(' and ')}`
      : `A run is bound to at most ${GRANTS_MAX} grants`
  throw new RunsError(RUNS_CODES.grantsInvalid, message, { missing, given: [...given] })
}

function checkStanding({ standing = [] }: StartOptions): void {
  if (standing.length <= STANDING_MAX) return
  const message = `A run may use at most ${STANDING_MAX} standing approvals`
  throw new RunsError(RUNS_CODES.grantsInvalid, message, { given: standing.length })
}

interface Issued {
  readonly name: string
  readonly grant: GrantId
  readonly write: StreamWrite
}

/** The grants of a start as the log holds them now. */
function issuedEvents(
  grants: readonly Issued[],
  appended: readonly AppendedWrite[],
): readonly RecordedEvent[] {
  return appended.flatMap(({ stream, positions, times }) => {
    const { write } = grants.find((issued) => issued.write.stream === stream) ?? {}
    const [event] = write?.events ?? []
    const [position] = positions
    const [time] = times
    if (event === undefined || position === undefined || time === undefined) return []
    return recordedEvent({ ...event, time }, stream, 1, position)
  })
}

function writeOf({ write }: Issued): StreamWrite {
  return write
}

function issue(
  { authority, ids, principal }: Components,
  run: RunId,
  name: string,
  spec: GrantSpec,
  options: StartOptions,
): Issued {
  const id = ids.nextGrantId()
  const root: RootGrantSpec = { ...spec, id, holder: `run/${run}` }
  const grant = authority.rootGrant(
    root,
  ) as unknown as StandardPayloads['CapabilityGranted']['grant']
  const event = {
    type: 'CapabilityGranted',
    data: { grant, label: name },
    principal: options.principal ?? principal,
  }
  const write = { stream: `grant/${id}` as StreamId, expectedVersion: 'no_stream' as const }
  return { name, grant: id, write: { ...write, events: [event] } }
}

function creation(
  components: Components,
  init: {
    readonly run: RunId
    readonly program: Program
    readonly held: SealedInput
    readonly bound: StandardPayloads['RunCreated']['grants']
    readonly options: InnerStart
  },
): AppendRequest {
  const { run, program, held, bound, options } = init
  const { sealed, labelled } = held
  const { standing = [] } = options
  const data: StandardPayloads['RunCreated'] = {
    run,
    program: { name: program.name, version: program.version },
    input: sealed.ref as StandardPayloads['RunCreated']['input'],
    owner: components.ownership.self,
    epoch: 1,
    grants: bound,
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.tags === undefined ? {} : { tags: { ...options.tags } }),
    ...(options.agent === undefined ? {} : { agent: agentId(options.agent) }),
    ...(options.session === undefined ? {} : { session: sessionId(options.session) }),
    ...(standing.length === 0 ? {} : { standing: [...standing] }),
    ...placementOf(options),
    ...(options.line === undefined ? {} : { parent: options.line.parent }),
    ...(options.scheduled === undefined ? {} : { schedule: options.scheduled.schedule }),
    ...labelled,
  }
  const blobs = [...(sealed.blob === null ? [] : [sealed.blob]), ...held.blobs]
  const principal = options.principal ?? components.principal
  const events = [{ type: 'RunCreated', data, principal }]
  return {
    writes: [{ stream: runStream(run), expectedVersion: 'no_stream', events }],
    ...(blobs.length === 0 ? {} : { blobs }),
  }
}

function keyWrite(
  { name, version }: Program,
  run: RunId,
  sealed: SealedValue,
  { key }: StartOptions,
): readonly StreamWrite[] {
  if (key === undefined) return []
  const stream = keyStream(name, key)
  const data = { run, program: { name, version }, inputDigest: sealed.digest }
  return [{ stream, expectedVersion: 'no_stream', events: [{ type: 'RunRequested', data }] }]
}

async function existingRun(
  { log }: Components,
  stream: StreamId,
  program: Program,
  sealed: SealedValue,
): Promise<RunId> {
  const request = await requestOf(log, stream)
  if (request === null) {
    throw new RunsError(RUNS_CODES.keyConflict, 'The key of this start is taken')
  }
  const { run, inputDigest } = request
  if (inputDigest === sealed.digest) return run as RunId
  const message = `The key of this start already stands for run ${run}, with another input`
  throw new RunsError(RUNS_CODES.keyConflict, message, { run, program: program.name })
}
