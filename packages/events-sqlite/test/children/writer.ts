/**
 * Appends units one after another and says each acknowledgement.
 *
 *     writer.ts <path> <name> <units> <mode>
 *
 * mode `own`: to a stream of its own, with expected versions; `shared`: by turns to that and to one
 * that all writers share; `flood`: 32 at a time, without end, until it is killed.
 */
import { createEventLog, EVENTS_CODES } from '@ice/events'
import { hasCode, type StreamId, type StreamVersion, systemClock } from '@ice/primitives'
import { openSqliteEventStore } from '../../src/index.ts'
import { taxonomy } from '../notes.ts'
import { say } from './say.ts'

const [path = '', name = '', units = '1', mode = 'own'] = process.argv.slice(2)
const store = openSqliteEventStore({ path, clock: systemClock })
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

async function appendOwn(n: number): Promise<void> {
  const expectedVersion = n as StreamVersion
  const answer = await log.append({ writes: [{ stream: own, expectedVersion, events: events(n) }] })
  say({ stream: own, n, position: answer.writes[0]?.positions[0] })
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
  for (let n = 0; ; n += 1) {
    const expectedVersion = n as StreamVersion
    const answer = await log.append({ writes: [{ stream, expectedVersion, events: events(n) }] })
    say({ stream, n, position: answer.writes[0]?.positions[0] })
  }
}

say('ready')
if (mode === 'flood') await Promise.all(Array.from({ length: 32 }, (_, lane) => flood(lane)))
for (let n = 0; n < Number(units); n += 1) {
  if (mode === 'shared' && n % 2 === 1) await appendShared(n)
  else await appendOwn(mode === 'shared' ? n / 2 : n)
}
await store.close()
say('done')
