/** What opening may do to a schema: make a log, make none, or write nothing at all. */
import { EVENTS_CODES } from '@ice/events'
import type { Position, StreamVersion } from '@ice/primitives'
import { expect, it, onTestFinished } from 'vitest'
import { EVENTS_POSTGRES_CODES, openPostgresRunRows } from '../src/index.ts'
import { alice, gather, notes, open } from './fixture.ts'
import { admin, describeOnServer, freshSchema, server } from './server.ts'

/** Every schema there is, and every table in it with what it takes. */
async function everything(): Promise<unknown> {
  const { rows } = await admin((client) =>
    client.query(
      'SELECT n.nspname, c.relname, pg_relation_filenode(c.oid), ' +
        'pg_stat_get_tuples_inserted(c.oid) FROM pg_namespace n ' +
        'LEFT JOIN pg_class c ON c.relnamespace = n.oid ' +
        "WHERE n.nspname !~ '^pg_' ORDER BY 1, 2",
    ),
  )
  return rows
}

/** Verifies: EPG-R22 */
describeOnServer('a log that is opened to look', () => {
  it('is not found where none is, and nothing is made', async () => {
    const empty = freshSchema()
    await admin((client) => client.query(`CREATE SCHEMA "${empty}"`))
    const before = await everything()
    for (const schema of [freshSchema(), empty]) {
      for (const opening of ['look', 'existing'] as const) {
        await expect(open({ schema, opening })).rejects.toMatchObject({
          code: EVENTS_POSTGRES_CODES.notFound,
        })
        const work = { connection: server.url, schema, opening: 'existing' } as const
        await expect(openPostgresRunRows(work)).rejects.toMatchObject({
          code: EVENTS_POSTGRES_CODES.notFound,
        })
      }
    }
    expect(await everything()).toEqual(before)
  })

  it('is read, followed and checked by who may only select, and takes no write', async () => {
    const { schema, log } = await open()
    await log.append(notes(alice, 2))
    const role = `r_${freshSchema().replaceAll('-', '_')}`
    await admin((client) =>
      client.query(
        `CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA "${schema}" TO ${role};
         GRANT SELECT ON ALL TABLES IN SCHEMA "${schema}" TO ${role}`,
      ),
    )
    onTestFinished(async () => {
      await admin((client) => client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`))
    })
    const url = new URL(server.url)
    Object.assign(url, { username: role, password: 'secret' })
    const opening = { schema, opening: 'look', durability: 'process' } as const
    const looked = await open({ ...opening, connection: url.href })
    expect(await gather(looked.log.readAll({}))).toHaveLength(2)
    for await (const finding of looked.store.check()) expect(finding).toBeUndefined()
    expect(await looked.store.inspect()).toMatchObject({ head: 2, weakestDurability: 'disk' })
    const coming = looked.log.subscribe({ after: 2 as Position })[Symbol.asyncIterator]()
    const next = coming.next()
    await log.append(notes(alice, 1, 2 as StreamVersion))
    expect((await next).value).toHaveLength(1)
    await coming.return?.()
    // The owner of the tables is refused as well: by the server, and not by a missing right.
    const own = await open(opening)
    for (const handle of [looked, own]) {
      const more = notes(alice, 1, 3 as StreamVersion)
      await expect(handle.log.append(more)).rejects.toMatchObject({
        code: EVENTS_CODES.unavailable,
        data: { fate: 'none', reason: 'read_only' },
      })
    }
    expect(await own.store.head()).toEqual({ position: 3 })
  })

  it('of another format is refused untouched', async () => {
    const { schema, store } = await open()
    await store.close()
    for (const format of [2, 4]) {
      await admin((client) => client.query(`UPDATE "${schema}".log SET format = ${format}`))
      const before = await everything()
      await expect(open({ schema, opening: 'look' })).rejects.toMatchObject({
        code: EVENTS_POSTGRES_CODES.format,
        data: { stored: format, known: 3 },
      })
      expect(await everything()).toEqual(before)
    }
  })
})
