/** The server of one test file, and databases and roles on it. */
import { findPostgres, type PostgresServer } from '@ice/tooling/lib/postgres-server'
import pg from 'pg'
import { afterAll, test } from 'vitest'

const found = await findPostgres()

/** The server, for tests that `withServer` has let run. */
export const server = found.server as PostgresServer

const schemas: string[] = []

/** A server of our own goes with all that is on it; on somebody else's, only ours goes. */
afterAll(async () => {
  if (found.server !== undefined && found.server.power === undefined) await dropSchemas()
  await found.server?.stop()
})

async function dropSchemas(): Promise<void> {
  await admin(async (client) => {
    for (const schema of schemas) await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
  })
}

/** Registers tests that need a server; without one, a skip that says why, and never a pass. */
export function withServer(name: string, register: () => void): void {
  if (found.server !== undefined) register()
  else test.skip(`${name}: ${found.why}`)
}

/** The same, for tests that kill the server. */
export function withOwnServer(name: string, register: () => void): void {
  if (found.server?.power !== undefined) register()
  else if (found.server === undefined) test.skip(`${name}: ${found.why}`)
  else test.skip(`${name}: the server that ICE_TEST_POSTGRES_URL names is not ours to kill`)
}

/** Runs statements as the administrator. */
export async function admin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: server.url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** A schema that no other test has. */
export function freshSchema(): string {
  const schema = `t${process.pid}-${Date.now().toString(36)}-${schemas.length + 1}`
  schemas.push(schema)
  return schema
}
