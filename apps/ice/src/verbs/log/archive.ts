/** `ice log archive`: moves runs that ended long ago to sealed files, still part of the log. */
import { retain } from '@ice/events-archive'
import type { RetentionPolicy, RetentionReport } from '@ice/events-archive/ports'
import { systemClock as clock } from '@ice/primitives'
import { parseSpan } from '../../args/duration.ts'
import { parseSize } from '../../args/values.ts'
import { listenForStop } from '../../drive/stop.ts'
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { openFileReader, using } from '../../log/open.ts'
import { bytes, counted } from '../../terminal/format.ts'
import { plain } from '../../terminal/text.ts'

/** Options of `log archive`. */
export interface ArchiveOptions {
  readonly olderThan: string
  readonly diskMax?: string
  readonly underPressure?: string
  readonly dryRun?: boolean
}

const VERB = 'ice log archive'

/** Carries `log archive` out. @returns the exit code */
export async function archive(invocation: Invocation, options: ArchiveOptions): Promise<number> {
  const { talk } = invocation
  const policy = policyOf(options)
  const dryRun = options.dryRun === true
  const stop = listenForStop(talk, 'the retention')
  try {
    return await using(await openFileReader(invocation, VERB), async ({ log, store }) => {
      const report = await retain(log, {
        archive: store,
        clock,
        policy,
        dryRun,
        signal: stop.signal,
        onProgress: ({ runs, events }) =>
          talk.progress(`${counted(runs, 'run')} moved, ${counted(events, 'event')}`),
      })
      talk.settle()
      const { directory } = store
      await invocation.print(
        () => lines(report, { directory, dryRun }),
        () => ({ ...report, directory, dryRun }),
      )
      return report.findings.length === 0 ? EXIT.ok : EXIT.unexpected
    })
  } catch (error) {
    if (stop.exit !== null) return stop.exit
    throw error
  } finally {
    stop.release()
  }
}

function policyOf({ olderThan, diskMax, underPressure }: ArchiveOptions): RetentionPolicy {
  const pressed =
    underPressure === undefined
      ? {}
      : { concludedUnderPressureForMs: parseSpan(underPressure, '--under-pressure') }
  return {
    concludedForMs: parseSpan(olderThan, '--older-than'),
    ...(diskMax === undefined ? {} : { diskBytesMax: parseSize(diskMax, '--disk-max') }),
    ...pressed,
  }
}

interface Told {
  readonly directory: string
  readonly dryRun: boolean
}

function lines(report: RetentionReport, { directory, dryRun }: Told): readonly string[] {
  const { moved, kept, segments, resumed, removed, before, after, findings } = report
  const much = `${counted(moved.events, 'event')}, ${bytes(moved.eventBytes)}`
  const what = `${counted(moved.runs, 'run')} (${much})`
  const stays = `${kept.open} not ended and ${kept.young} ended later stay`
  const over = findings.map(({ message }) => `! ${plain(message)}`)
  if (dryRun) return [`would move ${what}; ${stays}`, ...over]
  const used = (disk: RetentionReport['before']): string => bytes(disk.bytes - disk.freeBytes)
  return [
    `moved ${what} to ${counted(segments.length, 'segment')} in ${plain(directory)}; ${stays}`,
    ...(resumed === 0 ? [] : [`  ${counted(resumed, 'segment')} of a broken-off call finished`]),
    ...(removed.length === 0 ? [] : [`  ${counted(removed.length, 'unfinished file')} removed`]),
    `  the log takes ${used(after)}, and took ${used(before)}; what is free is used again`,
    ...over,
  ]
}
