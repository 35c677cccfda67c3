/** Opening: what is made, what is refused, and what is left as it was. */
import { readFileSync } from 'node:fs'
import { EVENTS_CODES } from '@ice/events'
import { type BlobDigest, type StreamVersion, sha256Hex } from '@ice/primitives'
import type pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { FORMAT, type Format } from '../src/format.ts'
import { EVENTS_POSTGRES_CODES } from '../src/index.ts'
import { openLog } from '../src/open.ts'
import { settle } from '../src/target.ts'
import { alice, gather, notes, open } from './fixture.ts'
import { admin, describeOnServer, freshSchema, server } from './server.ts'

/** Where a role of its own would go in. */
function urlOf(user: string, database = 'postgres', password = 'secret'): string {
  const url = new URL(server.url)
  url.username = user
  url.password = password
  url.pathname = `/${database}`
  return url.href
}

/** A role without any right but to log in. */
async function plainRole(): Promise<string> {
  const role = `r_${freshSchema().replaceAll('-', '_')}`
  await admin((client) => client.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`))
  onTestFinished(() =>
    admin(async (client) => {
      await client.query(`DROP OWNED BY ${role} CASCADE`)
      await client.query(`DROP ROLE ${role}`)
    }),
  )
  return role
}

/** Verifies: EPG-R01, EPG-R04 */
describeOnServer('a schema', () => {
  it('is made by a plain role that may create one', async () => {
    const role = await plainRole()
    await admin((client) => client.query(`GRANT CREATE ON DATABASE postgres TO ${role}`))
    const { log, store } = await open({ connection: urlOf(role) })
    await log.append(notes(alice, 2))
    expect((await gather(log.readAll({}))).length).toBe(2)
    expect(await store.inspect()).toMatchObject({
      format: 3,
      head: 2,
      streams: 1,
      weakestDurability: 'disk',
      settings: { synchronous_commit: 'on', search_path: 'pg_catalog' },
    })
  })

  it('is filled by a plain role that owns it, empty', async () => {
    const role = await plainRole()
    const schema = freshSchema()
    await admin((client) => client.query(`CREATE SCHEMA "${schema}" AUTHORIZATION ${role}`))
    const { log } = await open({ connection: urlOf(role), schema })
    await log.append(notes(alice))
    expect((await gather(log.readAll({}))).length).toBe(1)
  })

  it('is refused to a role without the right, with what to do', async () => {
    const role = await plainRole()
    await expect(open({ connection: urlOf(role) })).rejects.toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'permission', sqlState: '42501' },
      message: expect.stringContaining('owner of the schema'),
    })
  })

  it('that is there is used by a role that may do no more than read and write rows', async () => {
    const owner = await open()
    await owner.log.append(notes(alice))
    const role = await plainRole()
    await admin((client) =>
      client.query(
        `GRANT USAGE ON SCHEMA "${owner.schema}" TO ${role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${owner.schema}" TO ${role}`,
      ),
    )
    const { log, store } = await open({ connection: urlOf(role), schema: owner.schema })
    const blob = await store.blobs.stage([new Uint8Array(10)])
    await log.append({ ...notes(alice, 2), blobs: [blob] })
    expect((await gather(log.readAll({}))).length).toBe(3)
    expect(await store.blobs.collect({ graceMs: 0 })).toMatchObject({ removed: 1 })
    expect(await findings(store)).toEqual([])
    expect(await store.inspect()).toMatchObject({ head: 3 })
    await expect(
      admin(async (client) => {
        await client.query(`SET ROLE ${role}; CREATE TABLE "${owner.schema}".more (id INT)`)
      }),
    ).rejects.toMatchObject({ code: '42501' })
  })
})

/** Verifies: EPG-R01 */
describeOnServer('a schema of somebody else', () => {
  it('that holds something else is refused and left as it is', async () => {
    const schema = freshSchema()
    await admin(async (client) => {
      await client.query(`CREATE SCHEMA "${schema}"; CREATE TABLE "${schema}".invoices (id INT)`)
    })
    await expect(open({ schema })).rejects.toMatchObject({
      code: EVENTS_POSTGRES_CODES.schema,
      data: { found: ['invoices'] },
    })
    const left = await admin((client) =>
      client.query('SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace', [
        `"${schema}"`,
      ]),
    )
    expect(left.rows).toEqual([{ relname: 'invoices' }])
  })

  it('with a trigger of somebody else, or without one of its tables, is refused', async () => {
    const one = await open()
    await admin(async (client) => {
      await client.query(`CREATE RULE r AS ON INSERT TO "${one.schema}".events DO NOTHING`)
    })
    await expect(open({ schema: one.schema })).rejects.toMatchObject({
      code: EVENTS_POSTGRES_CODES.schema,
    })
    const other = await open()
    await admin((client) => client.query(`DROP TABLE "${other.schema}".blobs`))
    await expect(open({ schema: other.schema })).rejects.toMatchObject({
      code: EVENTS_POSTGRES_CODES.corrupt,
      data: { missing: ['blobs'] },
    })
  })
})

/** Verifies: EPG-R02, EPG-R03 */
describeOnServer('a format', () => {
  it('that is newer is refused, and the log is left as it is', async () => {
    const { schema, store } = await open()
    await store.close()
    await admin((client) => client.query(`UPDATE "${schema}".log SET format = 4`))
    await expect(open({ schema })).rejects.toMatchObject({
      code: EVENTS_POSTGRES_CODES.format,
      data: { stored: 4, known: 3 },
    })
  })

  it('that is older is migrated in one transaction, once, by whoever comes first', async () => {
    const { schema, log } = await open()
    await log.append(notes(alice, 3))
    const next: Format = {
      ...FORMAT,
      version: 4,
      migrations: [{ to: 4, migrate: (s) => `ALTER TABLE ${s}.events ADD COLUMN extra INT` }],
    }
    const settled = settle({ connection: server.url, schema })
    const opened = await Promise.all([1, 2, 3].map(() => openLog(settled, next)))
    for (const { session, row } of opened) {
      expect(row.position).toBe(3)
      await session.close()
    }
    // The older program meets it: by writing, and by opening.
    await expect(log.append(notes(alice))).rejects.toMatchObject({
      code: EVENTS_POSTGRES_CODES.format,
    })
    await expect(log.append(notes(alice))).rejects.toMatchObject({ code: EVENTS_CODES.notOpen })
    await expect(open({ schema })).rejects.toMatchObject({ code: EVENTS_POSTGRES_CODES.format })
  })
})

/** Verifies: EPG-R02 */
describeOnServer('a log of an older format', () => {
  it('of the first kind is brought to the current one, with every blob', async () => {
    const schema = freshSchema()
    const tables = readFileSync(new URL('format-1.sql', import.meta.url), 'utf8')
    await admin(async (client) => {
      await client.query(`CREATE SCHEMA "${schema}"; SET search_path = "${schema}"`)
      await client.query(tables)
    })
    const { store, log } = await open({ schema })
    expect(store.incarnation).toBe('5d1c1a52-6f0c-4bd5-9a2b-0f5b9b7a1c11')
    await log.append(notes(alice))
    for (const text of ['small '.repeat(3), 'large '.repeat(400_000), '']) {
      const digest = sha256Hex(text) as string as BlobDigest
      expect(Buffer.from(await store.blobs.read(digest)).toString()).toBe(text)
    }
    expect(await findings(store)).toEqual([])
    expect(await store.blobs.collect({ graceMs: 0 })).toMatchObject({ removed: 3, kept: 0 })
  })

  it('of the second kind is brought to the current one without moving a byte', async () => {
    const { schema, log, store } = await open()
    await log.append(notes(alice, 3))
    await store.close()
    const files = (client: pg.Client): Promise<unknown> =>
      client
        .query(
          'SELECT relname, pg_relation_filenode(oid) FROM pg_class WHERE relnamespace = ' +
            `to_regnamespace('"${schema}"') AND relname IN ('events', 'log', 'blob_portions') ` +
            'ORDER BY relname',
        )
        .then(({ rows }) => rows)
    const before = await admin(async (client) => {
      await client.query(`SET search_path = "${schema}"`)
      await client.query('DROP TABLE segments, moved_ranges, moved_streams, moved_blobs, measured')
      await client.query('ALTER TABLE log DROP COLUMN moved; UPDATE log SET format = 2')
      return files(client)
    })
    const reopened = await open({ schema })
    expect(await admin(files)).toEqual(before)
    expect((await reopened.store.inspect()).format).toBe(3)
    expect(await gather(reopened.store.readAll({}))).toHaveLength(3)
    await reopened.log.append(notes(alice, 1, 3 as StreamVersion))
    expect(await findings(reopened.store)).toEqual([])
  })

  it('that fails to migrate leaves the older one whole', async () => {
    const { schema, log } = await open()
    await log.append(notes(alice))
    const broken: Format = {
      ...FORMAT,
      version: 4,
      migrations: [
        { to: 4, migrate: (s) => `DROP TABLE ${s}.blobs; ALTER TABLE ${s}.nothing ADD x INT` },
      ],
    }
    const settled = settle({ connection: server.url, schema })
    await expect(openLog(settled, broken)).rejects.toMatchObject({ code: EVENTS_CODES.corrupt })
    await log.append(notes(alice))
    await open({ schema })
  })
})

/** Verifies: EPG-R05 */
describeOnServer('a server', () => {
  it('whose database is not in UTF-8 is refused', async () => {
    const database = `d_${freshSchema().replaceAll('-', '_')}`
    await admin((client) =>
      client.query(`CREATE DATABASE ${database} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`),
    )
    onTestFinished(async () => {
      await admin((client) => client.query(`DROP DATABASE ${database} WITH (FORCE)`))
    })
    const url = new URL(server.url)
    url.pathname = `/${database}`
    await expect(open({ connection: url.href })).rejects.toMatchObject({
      code: EVENTS_POSTGRES_CODES.server,
      data: { encoding: 'LATIN1' },
    })
  })

  it('that is not there, or lets nobody in, is told without the password', async () => {
    const away = 'postgres://postgres:hunter2@127.0.0.1:1/postgres'
    const wrong = urlOf('postgres', 'postgres', 'hunter2')
    const refusals = [
      [{ connection: away }, 'connection'],
      // Somebody else's server may trust whoever comes.
      ...(server.power === undefined ? [] : [[{ connection: wrong }, 'authentication'] as const]),
      [{ connection: urlOf('nobody', 'postgres', 'hunter2') }, 'authentication'],
    ] as const
    for (const [options, reason] of refusals) {
      const error = await open(options).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: EVENTS_CODES.unavailable, data: { reason } })
      const { message, data } = error as { message: string; data: unknown }
      expect(message + JSON.stringify(data)).not.toContain('hunter2')
    }
    const nowhere = server.url.replace(/\/postgres$/, '/nowhere')
    await expect(open({ connection: nowhere })).rejects.toMatchObject({
      data: { reason: 'no_database' },
    })
  })
})

/** Verifies: EPG-R08, EPG-R16 */
describeOnServer('a log in use', () => {
  it('whose lock is held by somebody else gives up after the time it was given', async () => {
    const { schema, log } = await open({ lockWaitMs: 200 })
    await log.append(notes(alice))
    await admin(async (client) => {
      await client.query(`BEGIN; SELECT * FROM "${schema}".log FOR UPDATE`)
      await expect(log.append(notes(alice, 1, 1 as StreamVersion))).rejects.toMatchObject({
        code: EVENTS_CODES.unavailable,
        data: { reason: 'busy', fate: 'none' },
      })
      await client.query('ROLLBACK')
    })
    await log.append(notes(alice, 1, 1 as StreamVersion))
  })

  it('whose server works too long on a statement gives up, and goes on', async () => {
    const options = { lockWaitMs: 100, statementTimeoutMs: 100 }
    const { schema, log, store } = await open(options)
    await admin(async (client) => {
      await client.query(`BEGIN; LOCK TABLE "${schema}".events IN ACCESS EXCLUSIVE MODE`)
      await expect(gather(store.readAll({ filter: { types: ['x'] } }))).resolves.toEqual([])
      await expect(log.append(notes(alice, 1, 0 as StreamVersion))).rejects.toMatchObject({
        code: EVENTS_CODES.unavailable,
        data: { fate: 'none' },
      })
      await client.query('ROLLBACK')
    })
    await log.append(notes(alice, 1, 0 as StreamVersion))
  })
})

/** Verifies: EPG-R08, EPG-R16 */
describeOnServer('a log', () => {
  it('that has gone back is given up', async () => {
    const { schema, log, store } = await open()
    await log.append(notes(alice, 3))
    await admin((client) =>
      client.query(
        `DELETE FROM "${schema}".events WHERE position = 3;
         UPDATE "${schema}".log SET position = 2`,
      ),
    )
    await expect(log.append(notes(alice))).rejects.toMatchObject({
      code: EVENTS_POSTGRES_CODES.rewound,
    })
    await expect(store.head()).rejects.toMatchObject({
      code: EVENTS_CODES.notOpen,
      data: { reopen: true },
    })
    const again = await open({ schema })
    expect(await again.store.head()).toEqual({ position: 2 })
  })

  it('holds nothing of a type or a stream that could not even be named', async () => {
    const { log, store } = await open()
    await log.append(notes(alice, 2))
    for (const hostile of ['\0', '\ud800', "'; --", '\u{10ffff}', '\n']) {
      expect(await gather(store.readAll({ filter: { streamPrefix: hostile } }))).toEqual([])
      const both = { types: [hostile, 'NoteTaken'], streamPrefix: 'note/' }
      expect((await gather(store.readAll({ filter: both }))).length).toBe(2)
      expect(await gather(store.readAll({ filter: { types: [hostile] } }))).toEqual([])
      expect(await gather(store.read({ stream: hostile as typeof alice }))).toEqual([])
      expect(await store.blobs.has(hostile as never)).toBe(false)
    }
  })

  it('judges notAfter by the clock of the server', async () => {
    const { log } = await open()
    const now = Date.now()
    await expect(
      log.append({ ...notes(alice), notAfter: (now - 60_000) as never }),
    ).rejects.toMatchObject({ code: EVENTS_CODES.tooLate })
    await log.append({ ...notes(alice), notAfter: (now + 60_000) as never })
  })

  it('notes a weaker durability for whoever reads it later', async () => {
    const { schema, store } = await open({ durability: 'process' })
    expect(store.durability).toBe('process')
    const { settings } = await store.inspect()
    expect(settings['synchronous_commit']).toBe('off')
    const later = await open({ schema })
    expect(await later.store.inspect()).toMatchObject({
      weakestDurability: 'process',
      settings: { synchronous_commit: 'on' },
    })
  })
})

/** Verifies: EPG-R17 */
describeOnServer('a check', () => {
  const damage: readonly (readonly [string, string, RegExp])[] = [
    ['changed bytes', "UPDATE events SET bytes = bytes || ' ' WHERE position = 2", /hash to/],
    ['a changed type', "UPDATE events SET type = 'X' WHERE position = 2", /say otherwise/],
    ['a changed version', 'UPDATE events SET version = 9 WHERE position = 3', /version 9 after 2/],
    ['a missing event', 'DELETE FROM events WHERE position = 2', /position 2 is missing/],
    ['a missing end', 'DELETE FROM events WHERE position = 3', /ends at 2/],
    ['a missing stream', 'DELETE FROM streams', /say otherwise/],
  ]
  for (const [name, statement, expected] of damage) {
    it(`finds ${name}`, async () => {
      const { schema, log, store } = await open()
      await log.append(notes(alice, 3))
      expect(await findings(store)).toEqual([])
      await admin(async (client) => {
        await client.query(`SET search_path = "${schema}"`)
        await client.query(statement)
      })
      expect((await findings(store)).join('\n')).toMatch(expected)
    })
  }
})

async function findings(store: Awaited<ReturnType<typeof open>>['store']): Promise<string[]> {
  const messages: string[] = []
  for await (const { message } of store.check()) messages.push(message)
  return messages
}
