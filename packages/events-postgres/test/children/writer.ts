/**
 * Appends units one after another and says each acknowledgement.
 *
 *     writer.ts <url> <schema> <name> <units> <mode>
 *
 * mode `shared`: by turns to a stream of its own and to one that all writers share, both with
 * expected versions; `flood`: 16 at a time, without end, until it is killed.
 */
import { createEventLog, EVENTS_CODES } from '@ice/events'
import { hasCode, type StreamId, type StreamVersion, systemClock } from '@ice/primitives'
import { openPostgresEventStore } from '../../src/index.ts'
import { taxonomy } from '../notes.ts'
import { say } from './say.ts'

const [url = '', schema = '', name = '', units = '1', mode = 'shared'] = process.argv.slice(2)
const store = await openPostgresEventStore({
  connection: url,
  schema,
  silentTransactionMs: 500,
  lockWaitMs: 30_000,
})
const log = createEventLog({ store, taxonomy, clock: systemClock })
const own = `note/${name}` as StreamId
const shared = 'note/shared' as StreamId

const events = (n: number) => [{ type: 'NoteTaken', data: { text: name, n } }]

async function versionOf(stream: StreamId): Promise<number> {
  for await (const [last] of log.read({ stream, backwards: true, limit: 1 })) {
    return last?.version ?? 0
  }
  return 0
}

async function appendTo(stream: StreamId, n: number): Promise<void> {
  const expectedVersion = n as StreamVersion
  const answer = await log.append({ writes: [{ stream, expectedVersion, events: events(n) }] })
  say({ stream, n, position: answer.writes[0]?.positions[0] })
}

async function appendShared(n: number): Promise<void> {
  for (;;) {
    const expectedVersion = (await versionOf(shared)) as StreamVersion
    try {
      const writes = [{ stream: shared, expectedVersion, events: events(n) }]
      const answer = await log.append({ writes })
      say({ stream: shared, n, position: answer.writes[0]?.positions[0] })
      return
    } catch (error) {
      if (!hasCode(error, EVENTS_CODES.versionConflict)) throw error
    }
  }
}

async function flood(lane: number): Promise<never> {
  const stream = `note/${name}-${lane}` as StreamId
  for (let n = 0; ; n += 1) await appendTo(stream, n)
}

say('ready')
if (mode === 'flood') await Promise.all(Array.from({ length: 16 }, (_, lane) => flood(lane)))
for (let n = 0; n < Number(units); n += 1) {
  if (n % 2 === 1) await appendShared(n)
  else await appendTo(own, n / 2)
}
await store.close()
say('done')
