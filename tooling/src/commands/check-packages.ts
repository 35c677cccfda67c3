/**
 * `npm run check:packages [-- name …]`: packs every package that is published, and checks each as
 * a stranger would meet it. `--keep` leaves the strangers' projects to be looked at.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from '../lib/build.ts'
import { projectRoot, withDependencies, workspacePackages } from '../lib/house.ts'
import { checkPackage } from '../release/check-package.ts'
import { type Packed, packPackage } from '../release/pack.ts'
import { serveRegistry } from '../release/registry.ts'

const args = process.argv.slice(2)
const isKept = args.includes('--keep')
const named = args.filter((arg) => !arg.startsWith('--'))
const say = (line: string): boolean => process.stdout.write(`${line}\n`)

const published = workspacePackages(projectRoot).filter((each) => each.manifest.private !== true)
const wanted = named.length > 0 ? named : published.map(({ short }) => short)
/** What is wanted, and what of ours that needs: the registry must have it too. */
const needed = withDependencies(published, wanted)

const checkAll = async (folder: string): Promise<{ passed: number; failed: number }> => {
  const packed = new Map<string, Packed>()
  for (const each of needed) packed.set(each.short, await packPackage(projectRoot, each, folder))
  const registry = await serveRegistry([...packed.values()])
  const counts = { passed: 0, failed: 0 }
  for (const [short, each] of packed) {
    if (!wanted.includes(short)) continue
    for (const { name, held, output } of await checkPackage(each, registry.url, folder)) {
      counts[held ? 'passed' : 'failed'] += 1
      say(held ? `ok      ${each.name}: ${name}` : `${output}FAILED  ${each.name}: ${name}`)
    }
  }
  await registry.close()
  return counts
}

const built = await build(
  projectRoot,
  'keep',
  needed.map(({ folder }) => folder),
)
if (built.status !== 0) {
  process.stderr.write(`${built.output}The build failed.\n`)
  process.exitCode = 1
} else {
  const folder = mkdtempSync(join(tmpdir(), 'ice-packages-'))
  try {
    const { passed, failed } = await checkAll(folder)
    say(`${passed} passed, ${failed} failed`)
    process.exitCode = failed === 0 && passed > 0 ? 0 : 1
  } finally {
    if (isKept) process.stderr.write(`kept: ${folder}\n`)
    else rmSync(folder, { recursive: true })
  }
}
