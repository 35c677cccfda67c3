/** Opens a log and says its head, or the code that it was refused with; then ends by itself. */

// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openPostgresEventStore } from '../../src/index.ts'

const [url = '', schema = ''] = process.argv.slice(2)
try {
  const store = await openPostgresEventStore({ connection: url, schema })
  const { position } = await store.head()
  // Not closed: connections that do nothing must not keep a process alive.
  say({ head: position })
} catch (error) {
  const { code, data } = error as { readonly code?: string; readonly data?: unknown }
  say({ code, data })
}
