/** Opens a log and says its head, or the code that it was refused with. */
import { systemClock } from '@ice/primitives'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openSqliteEventStore } from '../../src/index.ts'

const [path = ''] = process.argv.slice(2)
try {
  const store = openSqliteEventStore({ path, clock: systemClock })
  const { head } = store.inspect()
  await store.close()
  say({ head })
} catch (error) {
  const { code, data } = error as { readonly code?: string; readonly data?: unknown }
  say({ code, data })
}
