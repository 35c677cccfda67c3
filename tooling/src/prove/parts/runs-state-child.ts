/**
 * Folds and replays the recorded histories, and says the digest of all that comes of each: the
 * state of every run at every version, and what a check of it against its program comes to.
 */
import { createHash } from 'node:crypto'
import { type EventLog, fold } from '@ice/events'
import type { StreamId } from '@ice/primitives'
import { checkHistories, runProjection, viewOf } from '@ice/runs'
import { historyNames, historyPrograms, openHistory } from './runs-recorded.ts'

/** What the process says. */
export interface StateSaid {
  readonly node: string
  readonly zone: string
  readonly locale: string
  /** By history. */
  readonly digests: Readonly<Record<string, string>>
}

/** Maps and sets by their entries, in the order in which they were put in: that is state, too. */
const text = (state: unknown): string =>
  JSON.stringify(state, (_, value: unknown) => {
    if (value instanceof Map) return { map: [...value] }
    return value instanceof Set ? { set: [...value] } : value
  })

const digestOf = async (log: EventLog): Promise<string> => {
  const hash = createHash('sha256')
  const programs = await historyPrograms()
  for await (const check of checkHistories({ log, programs })) {
    hash.update(`${text(check)}\n`)
    const state = runProjection.initialState()
    for await (const batch of log.read({ stream: `run/${check.run}` as StreamId })) {
      for (const event of batch) {
        fold(runProjection, state, [event])
        hash.update(`${text(state)}\n${text(viewOf(state))}\n`)
      }
    }
  }
  return hash.digest('hex')
}

const digests: Record<string, string> = {}
for (const name of historyNames()) digests[name] = await digestOf(await openHistory(name))
const { timeZone, locale } = Intl.DateTimeFormat().resolvedOptions()
const said: StateSaid = { node: process.version, zone: timeZone, locale, digests }
process.stdout.write(JSON.stringify(said))
