/** What is shown of a run while it goes on: one line, replaced. */
import type { RecordedEvent } from '@ice/events/ports'
import { PROGRESS_INTERVAL_MS } from '../limits.ts'
import { count } from '../terminal/format.ts'
import type { Talk } from '../terminal/talk.ts'
import { plain } from '../terminal/text.ts'

/** Takes the events of a run as they come. */
export type ProgressLine = (event: RecordedEvent) => void

/** Counts events, and redraws now and then. */
export function createProgress(talk: Talk): ProgressLine {
  const started = Date.now()
  const counts = { events: 0, effects: 0, denied: 0 }
  let drawnAt = 0
  let step = ''
  return (event) => {
    const { effect, step: named } = event.data as { effect?: unknown; step?: unknown }
    counts.events += 1
    if (event.type === 'CapabilityUsed') counts.effects += 1
    if (event.type === 'CapabilityDenied') counts.denied += 1
    if (typeof effect === 'string') step = effect
    else if (typeof named === 'string') step = named
    const now = Date.now()
    if (!talk.live || now - drawnAt < PROGRESS_INTERVAL_MS) return
    drawnAt = now
    const seconds = ((now - started) / 1000).toFixed(1)
    const denied = counts.denied === 0 ? '' : ` · ${count(counts.denied)} denied`
    const told = `${count(counts.events)} events · ${count(counts.effects)} effects${denied}`
    talk.progress(`${seconds} s · ${told} · ${plain(step)}`)
  }
}
