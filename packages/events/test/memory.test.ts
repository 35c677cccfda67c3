import { expect, test } from 'vitest'
import { noteTaxonomy } from '../src/testing/index.ts'
import { memoryRoom, stream } from './fixtures.ts'

/** Verifies: EVT-R54 */
test('the check of a log in memory names each event whose blob is not there', async () => {
  const { log, store } = memoryRoom(noteTaxonomy())
  const $blob = 'f'.repeat(64)
  const events = [{ type: 'PictureKept', data: { picture: { $blob, size: 1 } } }]
  await log.append({ writes: [{ stream: stream('a'), expectedVersion: 'any', events }] })
  const findings: unknown[] = []
  for await (const finding of store.check()) findings.push(finding)
  expect(findings).toEqual([
    {
      code: 'ICE_EVENTS_BLOB_NOT_FOUND',
      position: 1,
      message: `the event at position 1 names blob ${$blob}, which is not there`,
    },
  ])
})

/** Verifies: EVT-R47 */
test('a blob that seems to be of the future, for a clock set back, is brought in now', async () => {
  const { clock, store } = memoryRoom()
  await store.blobs.stage([Buffer.from('x')])
  clock.setWall(clock.now() - 315_360_000_000)
  expect(await store.blobs.collect({ graceMs: 10 })).toMatchObject({ removed: 0, kept: 1 })
  clock.setWall(clock.now() + 10)
  expect(await store.blobs.collect({ graceMs: 10 })).toMatchObject({ removed: 1, kept: 0 })
})
