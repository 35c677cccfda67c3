/** Our own side, in the shape of a peer's adapter. */
import { join } from 'node:path'
import { echoes, echoRuntime, runOnce } from '../parts/echoes.ts'
import type { Adapter } from './host.ts'

export const open: Adapter['open'] = async ({ folder }) => {
  const ice = await echoRuntime(join(folder, 'log.db'))
  const three = echoes(3)
  return {
    async once() {
      await runOnce(ice, three)
      return 'done'
    },
    close: () => ice.close(),
  }
}
