/**
 * Mastra on libSQL: a snapshot of the run is stored as it goes from step to step.
 *
 * Its store sets `synchronous = NORMAL` on one connection of its client's pool, so that every
 * commit on the others is synced. The client here has that set on all of them, which is what the
 * store means to do and by far the faster of the two.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
// @boundaries-ignore it is installed on demand, outside of the repository
import { createClient } from '@libsql/client'
// @boundaries-ignore it is installed on demand, outside of the repository
import { Mastra } from '@mastra/core/mastra'
// @boundaries-ignore it is installed on demand, outside of the repository
import { createStep, createWorkflow } from '@mastra/core/workflows'
// @boundaries-ignore it is installed on demand, outside of the repository
import { LibSQLStore } from '@mastra/libsql'
import { z } from 'zod'

/** As many as the client opens by itself. */
const CONNECTIONS = 20

/** @param {{ folder: string }} place */
export async function open({ folder }) {
  const schema = z.object({ id: z.string() })
  const echo = (id) =>
    createStep({ id, inputSchema: schema, outputSchema: schema, execute: async () => ({ id }) })
  const three = createWorkflow({ id: 'three', inputSchema: schema, outputSchema: schema })
    .then(echo('a'))
    .then(echo('b'))
    .then(echo('c'))
    .commit()
  const url = pathToFileURL(join(folder, 'mastra.db')).href
  const client = createClient({ url, concurrency: CONNECTIONS, timeout: 5_000 })
  await client.execute('PRAGMA journal_mode = WAL')
  // Asked for in one breath, each statement is given a connection of its own.
  const settings = 'PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY'
  await Promise.all(Array.from({ length: CONNECTIONS }, () => client.executeMultiple(settings)))
  const storage = new LibSQLStore({ id: 'bench', client })
  const mastra = new Mastra({ workflows: { three }, storage, logger: false })
  const workflow = mastra.getWorkflow('three')
  return {
    async once() {
      const run = await workflow.createRun()
      const { status, result } = await run.start({ inputData: { id: '' } })
      return status === 'success' && result.id === 'c' ? 'done' : status
    },
    close: async () => undefined,
  }
}
