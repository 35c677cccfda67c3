/** The server of one test file, and databases and roles on it. */
import { findPostgres, type PostgresServer } from '@ice/tooling/lib/postgres-server'
import pg from 'pg'
import { afterAll, describe } from 'vitest'

const found = await findPostgres()

/** The server, for tests that `describeOnServer` has let run. */
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

/** Tests that need a server; without one, skips whose name says why, and never a pass. */
export function describeOnServer(name: string, tests: () => void): void {
  const why = found.server === undefined ? found.why : undefined
  describe.skipIf(why !== undefined)(why === undefined ? name : `${name} [${why}]`, tests)
}

/** The same, for tests that kill the server. */
export function describeOnOwnServer(name: string, tests: () => void): void {
  const isOthers = found.server !== undefined && found.server.power === undefined
  if (!isOthers) describeOnServer(name, tests)
  else describe.skipIf(isOthers)(`${name} [the server of ICE_TEST_POSTGRES_URL is not ours]`, tests)
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
