/** `ice worker`: drives the runs of the log until it is told to end. */

import type { ErrorRecord } from '@ice/primitives'
import type { Stretch } from '@ice/runs/ports'
import { wholeNumber } from '../args/values.ts'
import { listenForStop } from '../drive/stop.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { openRuntime, using } from '../log/open.ts'
import { type FoundProgram, findProgram } from '../program/find.ts'
import { keepStdoutForData } from '../program/quiet.ts'
import { complain } from '../terminal/complain.ts'
import { plain, plainLines } from '../terminal/text.ts'
import { parseHealthPlace, serveHealth } from '../worker/health.ts'

/** Options of `worker`. */
export interface WorkerOptions {
  readonly queues?: string
  readonly concurrency?: number
  readonly drain?: string
  readonly health?: string
}

const DRAIN_SECONDS = 30

/** Carries `worker` out. @returns the exit code */
export async function worker(
  invocation: Invocation,
  words: readonly string[],
  options: WorkerOptions,
): Promise<number> {
  const { talk } = invocation
  const only = options.queues?.split(',').map((queue) => queue.trim())
  if (only?.some((queue) => queue === '') === true) {
    throw new CliError(CLI_CODES.usage, '--queues takes names with commas in between')
  }
  const withinMs = 1_000 * wholeNumber(options.drain ?? `${DRAIN_SECONDS}`, '--drain')
  const place = options.health === undefined ? null : parseHealthPlace(options.health)
  keepStdoutForData()
  const programs = await programsOf(invocation, words)
  const { secrets } = await invocation.config()
  const opening = { create: true, programs, secrets, supervises: true }
  const stop = listenForStop(talk, 'the worker')
  try {
    return await using(await openRuntime(invocation, opening), async (runtime) => {
      const { concurrency } = options
      const supervisor = await runtime.supervise({
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(only === undefined ? {} : { only }),
        onStretch: (run, stretch) => {
          if (stretch.kind === 'owned') return
          const { how, why } = told(stretch)
          const line = `run ${run}  ${how}${why === null ? '' : `: ${plainLines(why.message)[0]}`}`
          const code = why === null ? {} : { code: why.code }
          talk.note(line, { notice: 'stretch', run, kind: stretch.kind, how, ...code })
        },
        onError: (error, run) => {
          if (run !== null) talk.note(`run ${run}  failed here`, { notice: 'setback', run })
          complain(invocation, error)
        },
      })
      const health = place === null ? null : await serveHealth(place, supervisor)
      const names = programs.map(({ program }) => plain(`${program.name} ${program.version}`))
      const at = health === null ? '' : `, health at port ${health.port}`
      talk.note(`worker of ${names.join(', ')}${at}`, {
        notice: 'worker',
        programs: programs.map(({ program: { name, version } }) => ({ name, version })),
        ...(health === null ? {} : { health: health.port }),
      })
      try {
        await Promise.race([stopped(stop.signal), supervisor.ended])
        if (supervisor.status().state === 'lost') {
          talk.alarm('The lease of this worker has ended: others have taken its runs over')
          return EXIT.conflict
        }
        const { finished, stopped: left } = await supervisor.drain({ withinMs })
        talk.note(`drained: ${finished} came to their end, ${left} were stopped`, {
          notice: 'drained',
          finished,
          stopped: left,
        })
        return EXIT.ok
      } finally {
        await health?.close()
      }
    })
  } finally {
    stop.release()
  }
}

/** What a stretch came to, and of a run that was set aside, why. */
function told(stretch: Stretch): { readonly how: string; readonly why: ErrorRecord | null } {
  if (stretch.kind === 'concluded') return { how: stretch.result.conclusion, why: null }
  const why = stretch.kind === 'quarantined' ? stretch.quarantine.error : null
  return { how: stretch.kind, why }
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** @throws `ICE_CLI_USAGE_UNSUPPORTED` — two words stand for one version of one program */
async function programsOf(
  invocation: Invocation,
  words: readonly string[],
): Promise<readonly FoundProgram[]> {
  const config = await invocation.config()
  const found: FoundProgram[] = []
  for (const word of words) {
    const one = await findProgram(word, config, invocation)
    const { name, version } = one.program
    const isTwice = found.some(
      ({ program }) => program.name === name && program.version === version,
    )
    if (isTwice) {
      const message = `${plain(word)} is ${plain(name)} ${plain(version)}, which was named before`
      throw new CliError(CLI_CODES.usage, message, {
        next: ['give the newer one another version: runs go on with the one they began with'],
      })
    }
    found.push(one)
  }
  return found
}
