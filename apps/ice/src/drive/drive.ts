/** Driving one run from here: until it ends, waits for a person, is stopped, or is another's. */
import type { StandardPayloads } from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import type { ErrorRecord, RunId } from '@ice/primitives'
import type { Quarantine, RunResult, Stretch } from '@ice/runs/ports'
import type { Runtime } from '@ice/runtime'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { ENDING_EVENTS_MAX } from '../limits.ts'
import { runStream } from '../log/runs.ts'
import { counted } from '../terminal/format.ts'
import { jsonText, plain } from '../terminal/text.ts'
import { type Answering, answerSteps } from './answer.ts'
import { createProgress } from './progress.ts'
import type { Stop } from './stop.ts'
import { answerCommands, resumeCommand, waitingLines } from './waiting.ts'

/** What is driven, and how. */
export interface DriveInit {
  readonly runtime: Runtime
  readonly run: RunId
  readonly invocation: Invocation
  readonly stop: Stop
  /** Stay while others are asked. */
  readonly wait: boolean
  /** Asked for when a step waits. */
  readonly answering: () => Answering
  /** What `--program` would have to name to find the program again; `null` for a named one. */
  readonly file: string | null
}

/** Nobody can look at a process of another machine: it is dead when its lease is over. */
const LEASE = 'if that process has died, its lease ends within 15 s: try again then'

/** Drives, prints what came of it, and says what the process ends with. */
export async function driveRun(init: DriveInit): Promise<number> {
  const stretch = await driveOn(init)
  init.invocation.talk.settle()
  switch (stretch.kind) {
    case 'concluded':
      return concluded(init, stretch.result)
    case 'suspended':
      return suspended(init, stretch)
    case 'stopped':
      return stopped(init)
    case 'quarantined':
      return quarantined(init, stretch.quarantine)
    case 'owned':
      throw new CliError(
        CLI_CODES.owned,
        `Another process drives run ${init.run}: ${plain(stretch.owner)}`,
        {
          data: { run: init.run, owner: stretch.owner },
          next: [
            init.invocation.command(['show', init.run, '--follow']),
            ...((await init.invocation.store()).kind === 'file' ? [] : [LEASE]),
          ],
        },
      )
  }
}

async function driveOn(init: DriveInit): Promise<Stretch> {
  const { runtime, run, invocation, stop, wait, answering } = init
  const onEvent = createProgress(invocation.talk)
  const { signal } = stop
  for (;;) {
    // Where somebody here answers, the run comes back to be answered instead of waiting in memory.
    const stays = wait && answering() === 'nobody'
    const stretch = await runtime.runs.drive(run, { wait: stays, signal, onEvent })
    if (stretch.kind !== 'suspended') return stretch
    const steps = stretch.waitingFor
    const goesOn = await answerSteps({ runtime, run, invocation, signal }, answering(), steps)
    if (goesOn) continue
    if (stop.exit !== null) return { kind: 'stopped' }
    if (!wait || stays) return stretch
    // What nobody here has answered may be answered elsewhere.
    return runtime.runs.drive(run, { wait: true, signal, onEvent })
  }
}

async function concluded(init: DriveInit, result: RunResult): Promise<number> {
  const { invocation, run, runtime } = init
  const { talk } = invocation
  if (result.conclusion === 'committed') {
    talk.say(`${talk.paint.green('committed')}  run ${run}`)
    const record = { run, conclusion: result.conclusion, value: result.value }
    await invocation.print(
      () => [jsonText(result.value, 2)],
      () => record,
    )
    return EXIT.ok
  }
  const error = await recordedError(runtime.log, run)
  const denied = error?.code.endsWith('_DENIED') === true
  const word = result.conclusion === 'aborted' ? 'aborted' : 'terminated'
  talk.alarmHuman(`${talk.paint.red(word)}  run ${run}: ${plain(result.reason)}`)
  if (error !== null) talk.alarmHuman(`  [${plain(error.code)}]`)
  talk.alarmHuman(`  ${talk.paint.cyan('next:')} ${invocation.command(['show', run])}`)
  const { conclusion, reason } = result
  await invocation.print(
    () => [],
    () => ({ run, conclusion, reason, error }),
  )
  return denied ? EXIT.denied : EXIT.aborted
}

const ENDED_OTHERWISE = new Set(['RunCommitted', 'RunForciblyTerminated', 'CapabilityUsed'])

/**
 * The error a run ended with, from the end of its stream.
 * @param at - the version that counts as its end; what came after it is passed over
 */
export async function recordedError(
  log: EventLog,
  run: RunId,
  at?: number,
): Promise<ErrorRecord | null> {
  const ending =
    at === undefined ? { limit: ENDING_EVENTS_MAX } : { after: Math.max(at - ENDING_EVENTS_MAX, 0) }
  for await (const batch of log.read({ stream: runStream(run), backwards: true, ...ending })) {
    for (const { type, data, version } of batch) {
      if (at !== undefined && version > at) continue
      if (ENDED_OTHERWISE.has(type)) return null
      if (type !== 'AbortReasonDeclared') continue
      return ((data as StandardPayloads['AbortReasonDeclared']).error as ErrorRecord) ?? null
    }
  }
  return null
}

async function suspended(
  { invocation, run, file }: DriveInit,
  { waitingFor }: Extract<Stretch, { readonly kind: 'suspended' }>,
): Promise<number> {
  const { talk } = invocation
  const resume = resumeCommand(invocation, run, file)
  talk.alarmHuman(
    `${talk.paint.yellow('waiting')}  run ${run} waits for ${counted(waitingFor.length, 'answer')}`,
  )
  for (const line of waitingLines(invocation, run, waitingFor)) talk.alarmHuman(line)
  talk.alarmHuman(`  then go on with\n    ${talk.paint.cyan(resume)}`)
  const steps = waitingFor.map((step) => ({
    ...step,
    answer: answerCommands(invocation, run, step),
  }))
  await invocation.print(
    () => [],
    () => ({ run, suspended: true, waitingFor: steps, resume }),
  )
  return EXIT.suspended
}

async function quarantined({ invocation, run }: DriveInit, { error }: Quarantine): Promise<number> {
  const { talk } = invocation
  const release = invocation.command(['release', run, '--reason', 'why it may go on'])
  talk.alarmHuman(`${talk.paint.red('set aside')}  run ${run} is in quarantine`)
  for (const line of error.message.split('\n')) talk.alarmHuman(`  ${plain(line)}`)
  talk.alarmHuman(`  [${plain(error.code)}]`)
  talk.alarmHuman(`  once it may go on\n    ${talk.paint.cyan(release)}`)
  await invocation.print(
    () => [],
    () => ({ run, quarantined: true, error, release }),
  )
  return EXIT.conflict
}

async function stopped({ invocation, run, file, stop }: DriveInit): Promise<number> {
  const { talk } = invocation
  const resume = resumeCommand(invocation, run, file)
  talk.alarmHuman(`stopped  run ${run} has not ended; go on with\n    ${talk.paint.cyan(resume)}`)
  await invocation.print(
    () => [],
    () => ({ run, stopped: true, resume }),
  )
  return stop.exit ?? EXIT.unexpected
}
