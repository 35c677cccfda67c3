/** Verifies: EPG-R30 */
import { EVENTS_CODES, type Processor, runProcessor } from '@ice/events'
import {
  type Harness,
  type ProcessorSubject,
  processorStoreCases,
  runCase,
  snapshotStoreCases,
} from '@ice/events/contract'
import type { SnapshotStore } from '@ice/events/ports'
import { sha256Hex } from '@ice/primitives'
import { manualClock } from '@ice/primitives/testing'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import {
  EVENTS_POSTGRES_CODES,
  openPostgresProcessorStore,
  openPostgresSnapshotStore,
} from '../src/index.ts'
import { alice, notes, open } from './fixture.ts'
import { describeOnServer, freshSchema, server } from './server.ts'

interface Place {
  readonly schema: string
  readonly pool: pg.Pool
}

/** Makes a harness of what is opened through a pool of its own. */
function harnessOf<Subject extends object>(
  openAt: (place: Place) => Promise<Subject>,
  end: (subject: Subject) => Promise<void>,
): Harness<Subject> {
  const places = new WeakMap<Subject, Place>()
  const open = async (schema: string): Promise<Subject> => {
    const place = { schema, pool: new pg.Pool({ connectionString: server.url, max: 4 }) }
    await place.pool.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`)
    await place.pool.query(`CREATE TABLE IF NOT EXISTS "${schema}".notes (text text)`)
    const subject = await openAt(place)
    places.set(subject, place)
    return subject
  }
  const placeOf = (subject: Subject): Place => places.get(subject) as Place
  const close = async (subject: Subject): Promise<void> => {
    await end(subject)
    if (!placeOf(subject).pool.ended) await placeOf(subject).pool.end()
  }
  return {
    clock: manualClock(0),
    open: () => open(freshSchema()),
    openSecond: (subject) => open(placeOf(subject).schema),
    async reopen(subject) {
      await close(subject)
      return open(placeOf(subject).schema)
    },
    close,
  }
}

const snapshots = harnessOf<SnapshotStore>(
  (place) => openPostgresSnapshotStore(place),
  (store) => store.close(),
)

const processors = harnessOf<ProcessorSubject>(
  async (place) => ({
    store: await openPostgresProcessorStore<pg.PoolClient>(place),
    async note(client, text) {
      const { schema } = place
      await (client as pg.PoolClient).query(`INSERT INTO "${schema}".notes VALUES ($1)`, [text])
    },
    async notes() {
      const { rows } = await place.pool.query(`SELECT text FROM "${place.schema}".notes`)
      return rows.map(({ text }) => String(text)).toSorted()
    },
  }),
  ({ store }) => store.close(),
)

describeOnServer('the contracts of stores of projections', () => {
  for (const one of snapshotStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runCase(one, snapshots)) === 'skipped') context.skip()
    })
  }
  for (const one of processorStoreCases) {
    test(`${one.requirement} ${one.name}`, async (context) => {
      if ((await runCase(one, processors)) === 'skipped') context.skip()
    })
  }
})

const FIRST = {
  processor: { name: 'sums', version: '1' },
  from: undefined,
  to: { position: 1, incarnation: 'one', hash: sha256Hex('1') },
}

async function place() {
  const schema = freshSchema()
  const pool = new pg.Pool({ connectionString: server.url, max: 4 })
  pool.on('error', () => undefined)
  onTestFinished(() => pool.end())
  return { pool, schema, store: await openPostgresProcessorStore<pg.PoolClient>({ pool, schema }) }
}

describeOnServer('the transaction of a processor', () => {
  test('is not kept when the work swallows the failure of a statement', async () => {
    const { store } = await place()
    const swallowing = store.transact(FIRST, async (client) => {
      await client.query('SELECT 1 / 0').catch(() => undefined)
    })
    await expect(swallowing).rejects.toMatchObject({ code: EVENTS_CODES.unavailable })
    expect(await store.checkpoint(FIRST.processor)).toBeUndefined()
  })

  test('is not kept when its connection dies, and the store goes on with another', async () => {
    const { store, pool } = await place()
    const dying = store.transact(FIRST, async (client) => {
      client.on('error', () => undefined)
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
      await pool.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
      await client.query('SELECT 1').catch(() => undefined)
    })
    await expect(dying).rejects.toMatchObject({ code: EVENTS_CODES.unavailable })
    expect(await store.checkpoint(FIRST.processor)).toBeUndefined()
    await store.transact(FIRST, () => undefined)
    expect(await store.checkpoint(FIRST.processor)).toEqual(FIRST.to)
  })

  test('holds the effects of each event once, however the default isolation is set', async () => {
    const { store, pool, schema } = await place()
    const { log } = await open()
    await log.append(notes(alice, 40))
    await pool.query(`CREATE TABLE "${schema}".effects (position bigint)`)
    const processor: Processor<pg.PoolClient> = {
      name: 'effects',
      version: '1',
      async process({ position }, client) {
        await client.query(`INSERT INTO "${schema}".effects VALUES ($1)`, [position])
      },
    }
    const options = '-c default_transaction_isolation=serializable'
    const other = new pg.Pool({ connectionString: server.url, options })
    onTestFinished(() => other.end())
    const second = await openPostgresProcessorStore<pg.PoolClient>({ pool: other, schema })
    const both = [
      await runProcessor({ log, store, processor, batchMax: 3 }),
      await runProcessor({ log, store: second, processor, batchMax: 3 }),
    ]
    const ends = await Promise.race(
      both.map((one) => one.ended().then(String, ({ code }) => String(code))),
    )
    expect(ends).toBe(EVENTS_CODES.checkpointConflict)
    const winner = both.find(({ failure }) => failure === undefined)
    await winner?.waitFor(40)
    for (const one of both) await one.stop()
    const { rows } = await pool.query(`SELECT position FROM "${schema}".effects ORDER BY 1`)
    expect(rows.map(({ position }) => Number(position))).toEqual(
      Array.from({ length: 40 }, (_, i) => i + 1),
    )
  })

  test('needs a schema that can be one', async () => {
    const { pool } = await place()
    for (const schema of ['', 'Pg', 'pg_x', 'a"b', 'x'.repeat(64), 7 as never]) {
      await expect(openPostgresProcessorStore({ pool, schema })).rejects.toMatchObject({
        code: EVENTS_POSTGRES_CODES.option,
      })
    }
  })
})
