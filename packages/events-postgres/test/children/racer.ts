/**
 * Appends by turns to a stream of its own, with expected versions, and to one that all share, at
 * whatever version; says each acknowledgement.
 *
 *     racer.ts <url> <schema> <name> <units>
 */
import { createEventLog } from '@ice/events'
import { noteTaxonomy } from '@ice/events/testing'
import { type StreamId, type StreamVersion, systemClock } from '@ice/primitives'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openPostgresEventStore } from '../../src/index.ts'

const [url = '', schema = '', name = '', units = '1'] = process.argv.slice(2)
const store = await openPostgresEventStore({ connection: url, schema })
const log = createEventLog({ store, taxonomy: noteTaxonomy(), clock: systemClock })
const own = `note/${name}` as StreamId
say('ready')
for (let n = 0; n < Number(units); n += 1) {
  const events = [{ type: 'NoteTaken', data: { text: name, n } }]
  for (const [stream, expectedVersion] of [
    [own, n as StreamVersion],
    ['note/shared' as StreamId, 'any'],
  ] as const) {
    const { writes } = await log.append({ writes: [{ stream, expectedVersion, events }] })
    const [write] = writes
    say({ stream, version: write?.version, position: write?.positions[0] })
  }
}
await store.close()
say('done')
