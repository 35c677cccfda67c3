/**
 * A process of the demonstration: runs the survey, or goes on with it, and tells how it is going.
 *
 * It is told what to do by one message, and ends when whoever started it goes away.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordedEvent } from '@ice/events/ports'
import { errorRecord, invariant, type RunId } from '@ice/primitives'
import { createRuntime, type Runtime } from '@ice/runtime'
import { surveyGrants } from '../survey/index.ts'
import type { Job, Told } from './messages.ts'
import { overreachingSurvey } from './overreach.ts'
import { watchedRead } from './watched.ts'
import { openWitness } from './witness.ts'

/** Milliseconds between two reports of progress. */
const PROGRESS_MS = 50

/** What ends a read. */
const OUTCOMES: readonly string[] = ['FileRead', 'EffectFailed', 'CapabilityDenied']

function isRead(effect: string): boolean {
  return effect.startsWith('read/') || effect.startsWith('read-long/')
}

function tell(told: Told): void {
  process.send?.(told)
}

/** Follows the run by its events and by the acts of its handler. */
class Reporter {
  readonly #holdAt: number
  #files = 0
  #events = 0
  #heldReads = 0
  /** Reads of this process that began and have no recorded outcome. */
  readonly #open = new Set<string>()
  #toldAt = 0

  readonly #witness: (effect: string) => void

  constructor({ holdAt, store }: Job) {
    this.#holdAt = holdAt
    this.#witness = openWitness(store)
  }

  acted(effect: string): void {
    this.#open.add(effect)
    this.#witness(effect)
  }

  held(): void {
    this.#heldReads += 1
    // The others of its round are held too before anything else happens.
    setImmediate(() => this.#standStill())
  }

  event({ type, data }: RecordedEvent): void {
    this.#events += 1
    const { effect } = data as { readonly effect?: string }
    if (effect !== undefined && isRead(effect) && OUTCOMES.includes(type)) {
      this.#files += 1
      this.#open.delete(effect)
      if (this.#heldReads > 0) this.#standStill()
    }
    if (type === 'ApprovalRequested') {
      const { step, digest, prompt } = data as Extract<Told, { kind: 'waiting' }>
      tell({ kind: 'waiting', step, digest, prompt })
    }
    const now = performance.now()
    if (now - this.#toldAt < PROGRESS_MS) return
    this.#toldAt = now
    this.flush()
  }

  flush(): void {
    tell({ kind: 'progress', files: this.#files, events: this.#events })
  }

  /** Once everything that is not held is recorded, it is time to be killed. */
  #standStill(): void {
    if (this.#holdAt === 0 || this.#open.size > this.#heldReads) return
    this.flush()
    tell({ kind: 'holding' })
  }
}

async function work(job: Job): Promise<void> {
  const reporter = new Reporter(job)
  const survey = overreachingSurvey(job.reach)
  mkdirSync(job.store, { recursive: true })
  const ice = await createRuntime({
    path: join(job.store, 'ice.db'),
    effects: [watchedRead(job.holdAt, reporter)],
    programs: [survey],
  })
  try {
    const run = job.run ?? (await begin(ice, job, survey))
    tell({ kind: 'run', run })
    const onEvent = (event: RecordedEvent): void => reporter.event(event)
    const stretch = await ice.runs.drive(run, { wait: true, onEvent })
    reporter.flush()
    tell({ kind: 'ended', stretch, maxRssBytes: process.resourceUsage().maxRSS * 1024 })
  } finally {
    await ice.close()
  }
}

function begin(
  ice: Runtime,
  job: Job,
  survey: ReturnType<typeof overreachingSurvey>,
): Promise<RunId> {
  const grants = surveyGrants({ ...job.grants, notes: true })
  return ice.runs.start(survey, { ...job.input, notes: true }, { grants, tags: { demo: 'yes' } })
}

invariant(process.send !== undefined, 'this file is a process of the demonstration')
const leave = (): never => process.exit(1)
process.once('disconnect', leave)
process.once('message', (job: Job) => {
  work(job)
    .catch((error: unknown) => tell({ kind: 'failed', error: errorRecord(error) }))
    .finally(() => {
      process.off('disconnect', leave)
      process.disconnect?.()
    })
})
