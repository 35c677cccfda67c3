/** Holds a log against what its writers said. */
import { type EventStore, verifyLog } from '@ice/events'
import type { FloodLine } from './postgres-flood.ts'

/** What was found, in numbers. */
export interface Judged {
  readonly events: number
  /** Units acknowledged, all of them there. */
  readonly kept: number
  /** Times a store gave a unit up, */
  readonly given: number
  /** and of these, times it could not say whether it was kept. */
  readonly unknown: number
  /** Units sent again that the log knew. */
  readonly known: number
  /** Units of any version that were left alone because they may have been kept, */
  readonly doubted: number
  /** and of these, those that were. */
  readonly doubtedKept: number
}

/** Judges a log whose writers have come to their end. @throws when it disagrees with them */
export const judgeFlood = async (
  store: EventStore,
  writers: readonly { readonly lines: readonly FloodLine[] }[],
): Promise<Judged> => {
  const lines = writers.flatMap((writer) => writer.lines)
  const wrong = lines.find((line) => line.is === 'wrong')
  if (wrong !== undefined) throw new Error(`a unit was refused: ${JSON.stringify(wrong)}`)
  const tried = new Set(lines.flatMap((line) => (line.is === 'tried' ? [line.key] : [])))
  const doubted = new Set(lines.flatMap((line) => (line.is === 'doubted' ? [line.key] : [])))
  const kept = lines.filter((line) => line.is === 'kept')
  const told = lines.filter((line) => line.is === 'told')
  const unresolved = tried.size - kept.length - doubted.size
  if (unresolved !== 0) throw new Error(`${unresolved} units were never answered`)

  const found = await textsOf(store)
  for (const { key, position } of kept) {
    if (found.get(key) === position) continue
    throw new Error(`${key} was acknowledged at ${position} and stands at ${found.get(key)}`)
  }
  const strange = [...found.keys()].filter((key) => !tried.has(key))
  if (strange.length > 0) throw new Error(`nobody tried ${strange.slice(0, 3).join()}`)
  const doubtedKept = [...doubted].filter((key) => found.has(key)).length
  if (found.size !== kept.length + doubtedKept) {
    throw new Error(
      `${found.size} events, of which ${kept.length} acknowledged, ${doubtedKept} not`,
    )
  }
  const { events, findings } = await verifyLog(store)
  if (findings.length > 0) throw new Error(JSON.stringify(findings.slice(0, 3)))
  return {
    events,
    kept: kept.length,
    given: told.length,
    unknown: told.filter(({ fate }) => fate !== 'none').length,
    known: kept.filter(({ retried }) => retried).length,
    doubted: doubted.size,
    doubtedKept,
  }
}

/** Where each note stands. @throws when one stands twice, or not where its own text says */
const textsOf = async (store: EventStore): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>()
  for await (const batch of store.readAll({})) {
    for (const { bytes, position } of batch) {
      const { data, stream, version } = JSON.parse(bytes) as Note
      const twin = found.get(data.text)
      if (twin !== undefined) throw new Error(`${data.text} stands at ${twin} and at ${position}`)
      const isPlaced = data.text.includes('#') || data.text === `${stream}@${version}`
      if (!isPlaced) throw new Error(`${data.text} stands in the place of ${stream}@${version}`)
      found.set(data.text, position)
    }
  }
  return found
}

interface Note {
  readonly data: { readonly text: string }
  readonly stream: string
  readonly version: number
}

/** A number over all logs. */
export const sumOf = (judged: readonly Judged[], key: keyof Judged): number =>
  judged.reduce((sum, one) => sum + one[key], 0)
