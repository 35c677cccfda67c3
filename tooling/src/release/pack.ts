/**
 * Packing: what would be published, as tarballs. pnpm writes versions where a manifest says
 * `workspace:` or `catalog:`, so what is packed is what a stranger installs.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest, WorkspacePackage } from '../lib/house.ts'
import { runTool } from '../lib/tools.ts'

/** A packed package. */
export interface Packed {
  readonly name: string
  /** The tarball. */
  readonly file: string
  /** The manifest inside the tarball, not the one in the workspace. */
  readonly manifest: Manifest
  /** As npm writes it into lockfiles. */
  readonly integrity: string
  readonly shasum: string
}

/** Packs one package into `into`. */
export const packPackage = async (
  root: string,
  { folder, manifest }: WorkspacePackage,
  into: string,
): Promise<Packed> => {
  mkdirSync(into, { recursive: true })
  const packed = await runTool({
    command: 'pnpm',
    args: ['pack', '--pack-destination', into],
    cwd: join(root, folder),
    output: 'keep',
  })
  if (packed.status !== 0) throw new Error(`${manifest.name} cannot be packed:\n${packed.output}`)
  const file = join(
    into,
    `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`,
  )
  const shown = await runTool({
    command: 'tar',
    args: ['-xzOf', file, 'package/package.json'],
    output: 'keep',
  })
  const bytes = readFileSync(file)
  return {
    name: manifest.name,
    file,
    manifest: JSON.parse(shown.output) as Manifest,
    integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    shasum: createHash('sha1').update(bytes).digest('hex'),
  }
}
