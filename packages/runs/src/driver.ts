/** Who drives runs in this process: each at most once at a time, until the service closes. */

import type { RunId } from '@ice/primitives'
import type { Components } from './components.ts'
import { Drive } from './drive.ts'
import { RUNS_CODES, RunsError } from './errors.ts'
import type { DriveOptions, Stretch } from './ports.ts'

/** Drives runs. */
export interface Driver {
  drive(run: RunId, options?: DriveOptions): Promise<Stretch>
  /** See `Components.kick`. */
  kick(run: RunId, by: RunId): void
  isDriven(run: RunId): boolean
  /** Stops driving, and waits until it has. */
  close(): Promise<void>
}

/** @param drivesChildren - whether what one run brings about for another is driven here */
export function createDriver(components: () => Components, drivesChildren: boolean): Driver {
  const active = new Map<RunId, { readonly stretch: Promise<Stretch>; readonly stop: () => void }>()
  /** Runs that are driven until they conclude. */
  const staying = new Set<RunId>()
  let isClosing = false
  const drive = (run: RunId, options: DriveOptions = {}): Promise<Stretch> => {
    if (isClosing) {
      return Promise.reject(new RunsError(RUNS_CODES.notOpen, 'The runs service is closed'))
    }
    const going = active.get(run)
    if (going !== undefined) return watched(run, options, going.stretch)
    const { signal } = options
    // A signal composed of two, one of which outlives all drives, was seen to be kept by it.
    const stopping = new AbortController()
    const stop = (): void => stopping.abort()
    signal?.addEventListener('abort', stop)
    if (signal?.aborted === true) stop()
    if (options.wait === true) staying.add(run)
    const init = { ...options, signal: stopping.signal }
    const stretch = new Drive(components(), run, init).go().finally(() => {
      signal?.removeEventListener('abort', stop)
      active.delete(run)
      staying.delete(run)
      components().watch.poke(run)
    })
    active.set(run, { stretch, stop })
    return watched(run, options, stretch)
  }
  /** Who drives a run that is driven already watches all the same. */
  const watched = (run: RunId, { onChunk }: DriveOptions, going: Promise<Stretch>) => {
    return onChunk === undefined ? going : going.finally(components().chunks.add(run, onChunk))
  }
  return {
    drive,
    isDriven: (run) => active.has(run),
    kick(run, by) {
      if (!drivesChildren || isClosing || active.has(run)) return
      // What stands in the way of it is recorded, or met by whoever drives it next.
      drive(run, { wait: staying.has(by) }).catch(() => undefined)
    },
    async close() {
      isClosing = true
      const all = [...active.values()]
      for (const { stop } of all) stop()
      await Promise.allSettled(all.map(({ stretch }) => stretch))
    },
  }
}
