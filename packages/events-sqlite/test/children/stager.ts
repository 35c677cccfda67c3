/**
 * Stages one blob, and appends beside it; says what it was told of it, and how it went.
 *
 *     stager.ts <path> <mebibytes> [stop after so many portions, and wait to be killed]
 */
import { createEventLog } from '@ice/events'
import { noteTaxonomy } from '@ice/events/testing'
import { type StreamId, systemClock } from '@ice/primitives'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openSqliteEventStore } from '../../src/index.ts'

const [path = '', mebibytes = '1', stopAfter = '0'] = process.argv.slice(2)
const store = openSqliteEventStore({ path, clock: systemClock })
const log = createEventLog({ store, taxonomy: noteTaxonomy(), clock: systemClock })
const MEBIBYTE = 1_048_576

let portions = 0
let isOver = false

async function* source(): AsyncGenerator<Uint8Array> {
  const portion = new Uint8Array(MEBIBYTE)
  while (portions < Number(mebibytes)) {
    portion.fill(portions)
    portions += 1
    yield portion
    if (portions !== Number(stopAfter)) continue
    say({ stopped: portions })
    setInterval(() => {}, 1_000)
    await new Promise(() => {})
  }
}

/** Appends one unit after another. @returns how many, and the portions one of them waited for */
async function appendMeanwhile(): Promise<{ appended: number; waitedMax: number }> {
  let [appended, waitedMax] = [0, 0]
  const events = [{ type: 'NoteTaken', data: { text: 'x', n: 0 } }]
  while (!isOver) {
    const before = portions
    await log.append({
      writes: [{ stream: 'note/alice' as StreamId, expectedVersion: 'any', events }],
    })
    appended += 1
    waitedMax = Math.max(waitedMax, portions - before)
  }
  return { appended, waitedMax }
}

const rss = (): number => Math.round(process.resourceUsage().maxRSS / 1024)

try {
  const before = rss()
  const appending = appendMeanwhile()
  // Met where it is awaited; a disk that fails may meet the appends first.
  appending.catch(() => undefined)
  const staged = await store.blobs.stage(source())
  isOver = true
  say({ staged, ...(await appending), rssGrown: rss() - before })
  let streamed = 0
  for await (const portion of store.blobs.stream(staged.digest)) streamed += portion.byteLength
  say({ streamed, rssGrown: rss() - before })
  await store.close()
} catch (error) {
  isOver = true
  const { code, data } = error as { readonly code?: string; readonly data?: unknown }
  say({ code, data })
  const { code: after } = await store.head().then(
    () => ({ code: 'open' }),
    (second: { readonly code?: string }) => second,
  )
  say({ after })
}
