/**
 * Stores of projections in a PostgreSQL database of the user's own, through the user's own pool.
 *
 *     <schema>.checkpoints  name, version → position, incarnation, hash
 *     <schema>.serving      name → version
 *     <schema>.snapshots    projection, version, source, at → incarnation, hash, digest, bytes
 *
 * Work gets the connection whose transaction moves the checkpoint, and may wait. Moves of one
 * processor wait for each other on an advisory lock, since there is no row to lock before the
 * first; READ COMMITTED whatever the default, so that what is read behind the lock is what stands.
 */
import type {
  Checkpoint,
  ProcessorKey,
  ProcessorStore,
  ServingChange,
  Snapshot,
  SnapshotKey,
  SnapshotStore,
} from '@ice/events'
import {
  checkMove,
  checkProcessorKey,
  checkServing,
  checkSnapshot,
  checkSnapshotKey,
  judgeServing,
  moved,
  sameCheckpoint,
} from '@ice/events/adapter'
import {
  type PostgresClient,
  type PostgresPool,
  ProjectionPool,
  type Row,
} from './projection-pool.ts'

/** Where projections are kept. */
export interface PostgresProjectionOptions<Client extends PostgresClient> {
  /** A pool of `pg`, of the user's own making; it stays the user's to end. */
  readonly pool: PostgresPool<Client>
  /** Created when it is not there. @defaultValue `'ice_projections'` */
  readonly schema?: string
}

const SUPPORTS = { durable: true, sharedByProcesses: true } as const

/**
 * Opens a processor store. Work is given the connection of its transaction, and must not end it.
 *
 * @typeParam Client - what the pool hands out: say `<pg.PoolClient>`, which cannot be inferred
 * @throws `ICE_EVENTS_POSTGRES_OPTION_UNSUPPORTED`, `ICE_EVENTS_UNAVAILABLE`
 */
export async function openPostgresProcessorStore<Client extends PostgresClient>(
  options: PostgresProjectionOptions<Client>,
): Promise<ProcessorStore<Client>> {
  const place = await ProjectionPool.open(options.pool, options.schema)
  const rows = processorRows(place.schema)
  const lock = (client: Client, name: string): Promise<unknown> =>
    client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `${place.schema} processor ${name}`,
    ])
  return {
    supports: { ...SUPPORTS, asyncWork: true },
    async checkpoint(processor) {
      place.check(() => checkProcessorKey(processor))
      return place.run('read', (client) => rows.checkpoint(client, processor))
    },
    async transact(move, work) {
      place.check(() => checkMove(move))
      const processor = { ...move.processor }
      const to = { ...move.to }
      await place.transact(async (client, said) => {
        const stored = await said(async () => {
          await lock(client, processor.name)
          return rows.checkpoint(client, processor)
        })
        if (!sameCheckpoint(stored, move.from)) throw moved(move, stored)
        await work(client)
        await said(() => rows.keep(client, processor, to))
      })
    },
    async serving(name) {
      place.check(() => checkProcessorKey({ name, version: 'any' }))
      return place.run('read', (client) => rows.serving(client, name))
    },
    async serve(change) {
      place.check(() => checkServing(change))
      await place.transact((client, said) =>
        said(async () => {
          await lock(client, change.name)
          judgeServing(change, await rows.facts(client, change))
          await rows.serve(client, change)
        }),
      )
    },
    async forget(processor) {
      place.check(() => checkProcessorKey(processor))
      await place.run('write', (client) => rows.forget(client, processor))
    },
    async close() {
      place.close()
    },
  }
}

/** The statements of a processor store. */
function processorRows(s: string) {
  const one = async (client: PostgresClient, text: string, values: readonly unknown[]) =>
    (await client.query(text, [...values])).rows[0] as Row | undefined
  const rows = {
    async checkpoint(client: PostgresClient, key: ProcessorKey): Promise<Checkpoint | undefined> {
      const text =
        `SELECT position, incarnation, hash FROM ${s}.checkpoints ` +
        'WHERE name = $1 AND version = $2'
      const row = await one(client, text, [key.name, key.version])
      if (row === undefined) return undefined
      const { position, incarnation, hash } = row
      return {
        position: Number(position),
        incarnation: String(incarnation),
        hash: String(hash) as Checkpoint['hash'],
      }
    },
    async keep(client: PostgresClient, key: ProcessorKey, to: Checkpoint): Promise<void> {
      const text =
        `INSERT INTO ${s}.checkpoints (name, version, position, incarnation, hash) ` +
        'VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name, version) DO UPDATE ' +
        'SET position = $3, incarnation = $4, hash = $5'
      await client.query(text, [key.name, key.version, to.position, to.incarnation, to.hash])
    },
    async forget(client: PostgresClient, { name, version }: ProcessorKey): Promise<void> {
      const text = `DELETE FROM ${s}.checkpoints WHERE name = $1 AND version = $2`
      await client.query(text, [name, version])
    },
    async serving(client: PostgresClient, name: string): Promise<string | undefined> {
      const row = await one(client, `SELECT version FROM ${s}.serving WHERE name = $1`, [name])
      return row === undefined ? undefined : String(row['version'])
    },
    async serve(client: PostgresClient, { name, to }: ServingChange): Promise<void> {
      const text =
        `INSERT INTO ${s}.serving (name, version) VALUES ($1, $2) ` +
        'ON CONFLICT (name) DO UPDATE SET version = $2'
      await client.query(text, [name, to])
    },
    async facts(client: PostgresClient, { name, from, to }: ServingChange) {
      return {
        serving: await rows.serving(client, name),
        from:
          from === undefined ? undefined : await rows.checkpoint(client, { name, version: from }),
        to: await rows.checkpoint(client, { name, version: to }),
      }
    },
  }
  return rows
}

/** Opens a snapshot store. @throws as `openPostgresProcessorStore` */
export async function openPostgresSnapshotStore<Client extends PostgresClient>(
  options: PostgresProjectionOptions<Client>,
): Promise<SnapshotStore> {
  const place = await ProjectionPool.open(options.pool, options.schema)
  const table = `${place.schema}.snapshots`
  const where = 'projection = $1 AND version = $2 AND source = $3'
  const ask = (key: SnapshotKey, text: string, values: readonly unknown[]): Promise<Row[]> => {
    place.check(() => checkSnapshotKey(key))
    const all = [key.projection, key.version, key.source, ...values]
    return place.run('use', async (client) => (await client.query(text, all)).rows as Row[])
  }
  return {
    supports: SUPPORTS,
    async put(snapshot) {
      place.check(() => checkSnapshot(snapshot))
      const { at, incarnation, hash, digest, bytes } = snapshot
      const text =
        `INSERT INTO ${table} ` +
        '(projection, version, source, at, incarnation, hash, digest, bytes) ' +
        'VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (projection, version, source, at) ' +
        'DO UPDATE SET incarnation = $5, hash = $6, digest = $7, bytes = $8'
      await ask(snapshot, text, [at, incarnation, hash, digest, bytes])
    },
    async latest(key, atMost) {
      const text = `SELECT * FROM ${table} WHERE ${where} AND at <= $4 ORDER BY at DESC LIMIT 1`
      const [row] = await ask(key, text, [atMost])
      if (row === undefined) return undefined
      return { ...row, at: Number(row['at']) } as unknown as Snapshot
    },
    async list(key) {
      const rows = await ask(key, `SELECT at FROM ${table} WHERE ${where} ORDER BY at`, [])
      return rows.map(({ at }) => Number(at))
    },
    async drop(key, at) {
      const text = `DELETE FROM ${table} WHERE ${where} AND at = coalesce($4::bigint, at)`
      await ask(key, text, [at ?? null])
    },
    async close() {
      place.close()
    },
  }
}
