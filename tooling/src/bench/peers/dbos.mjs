/** DBOS: a library on PostgreSQL. A row for the workflow, and one for what each step gave back. */
// @boundaries-ignore it is installed on demand, outside of the repository
import { DBOS } from '@dbos-inc/dbos-sdk'

/** @param {{ postgres: string }} place - the URL of a database of its own. */
export async function open({ postgres }) {
  DBOS.setConfig({
    name: 'three',
    systemDatabaseUrl: postgres,
    systemDatabasePoolSize: 20,
    runAdminServer: false,
    logLevel: 'error',
  })
  const echo = async (id) => ({ id })
  const three = DBOS.registerWorkflow(
    async () => {
      for (const id of ['a', 'b', 'c']) await DBOS.runStep(() => echo(id), { name: id })
      return 'done'
    },
    { name: 'three' },
  )
  await DBOS.launch()
  return { once: () => three(), close: () => DBOS.shutdown() }
}
