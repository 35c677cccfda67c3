/**
 * `npm start [-- folder]`: builds what changed and gives the demonstration of `apps/ice`, in the
 * folder the user stands in.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from '../lib/build.ts'
import { projectRoot } from '../lib/house.ts'

/** What `apps/ice` gives; named by its address, because it is there only when it is built. */
interface DemoModule {
  demo(args: readonly string[], options: { readonly cwd: string }): Promise<number>
}

const address = new URL('../../../apps/ice/dist/demo/index.js', import.meta.url)

const built = await build(projectRoot, 'keep')
if (built.status !== 0 || !existsSync(fileURLToPath(address))) {
  process.stderr.write(`${built.output}The build failed; there is nothing to start.\n`)
  process.exitCode = 1
} else {
  const { demo } = (await import(address.href)) as DemoModule
  const cwd = process.env['INIT_CWD'] ?? projectRoot
  process.exitCode = await demo(process.argv.slice(2), { cwd })
}
