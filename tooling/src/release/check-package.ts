/** What a package must pass before it may be published; each step needs the one before it. */
import { join } from 'node:path'
import { projectRoot, readJson } from '../lib/house.ts'
import { runTool, type ToolResult } from '../lib/tools.ts'
import { type Layers, layerOf } from '../style/layers.ts'
import { strangersProject } from './consumer.ts'
import type { Packed } from './pack.ts'

/** One thing that was checked, and what was said when it did not hold. */
export interface PackageCheck {
  readonly name: string
  readonly held: boolean
  readonly output: string
}

interface Step {
  readonly name: string
  run(): Promise<ToolResult>
}

/** Adapters and apps run on Node and may speak of its types; the rest stands by itself. */
const isOfTheHost = ({ name }: Packed): boolean => {
  const layers = readJson<Layers>(join(projectRoot, 'tooling/layers.json'))
  const layer = layerOf(layers, name.replace('@ice/', ''))
  return layer === undefined || layer === 'L2'
}

/** The steps, from the tarball to the running example. */
const stepsFor = (packed: Packed, registry: string, folder: string): readonly Step[] => {
  const consumer = strangersProject(join(folder, packed.name.replace('@ice/', '')), packed)
  const ask =
    (command: string, ...args: readonly string[]) =>
    (): Promise<ToolResult> =>
      runTool({ command, args, cwd: folder, output: 'keep' })
  const entries = Object.keys(packed.manifest.exports ?? {})
  const isLibrary = entries.some((entry) => !entry.endsWith('.json'))
  const library: readonly Step[] = [
    { name: 'types (attw)', run: ask('attw', packed.file, '--profile', 'esm-only', '--no-color') },
  ]
  const compiles: Step = {
    name: 'declarations compile',
    run: () => consumer.compileEntries(isOfTheHost(packed) ? ['node'] : []),
  }
  return [
    { name: 'manifest (publint)', run: ask('publint', 'run', packed.file, '--strict') },
    ...(isLibrary ? library : []),
    { name: 'installs alone', run: () => consumer.install(registry) },
    ...(isLibrary ? [compiles] : []),
    { name: 'README example runs', run: () => consumer.runExample() },
    { name: 'README example compiles', run: () => consumer.compileExample() },
  ]
}

/** Checks one package, all steps even after one that did not hold. */
export const checkPackage = async (
  packed: Packed,
  registry: string,
  folder: string,
): Promise<readonly PackageCheck[]> => {
  const checks: PackageCheck[] = []
  for (const { name, run } of stepsFor(packed, registry, folder)) {
    const { status, output } = await run()
    checks.push({ name, held: status === 0, output })
    if (status !== 0 && name === 'installs alone') break
  }
  return checks
}
