/**
 * Installing a peer: on demand, once, into a cache outside the repository (`ICE_BENCH_CACHE`).
 *
 * A folder belongs to the very manifest it was installed from, and counts only when the install
 * was finished. No script of any package is run.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTool } from '../../lib/tools.ts'
import type { Peer } from './list.ts'

const cache = (): string =>
  process.env['ICE_BENCH_CACHE'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'ice-bench')

/** The adapter of a peer that is installed, or why it is not. */
export type Installed =
  | { readonly adapter: string; readonly folder: string }
  | { readonly adapter: undefined; readonly why: string }

/** Installs a peer, unless it is there. */
export async function installPeer(peer: Peer, say: (line: string) => void): Promise<Installed> {
  const manifest = JSON.stringify({ private: true, type: 'module', dependencies: peer.packages })
  const workspace = `overrides: ${JSON.stringify(peer.overrides ?? {})}\n`
  const digest = createHash('sha256').update(manifest).update(workspace).digest('hex')
  const folder = join(cache(), `${peer.name}-${digest.slice(0, 12)}`)
  const stamp = join(folder, '.installed')
  if (!existsSync(stamp)) {
    say(`${peer.title}: installing into ${folder}`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), manifest)
    writeFileSync(join(folder, 'pnpm-workspace.yaml'), workspace)
    const args = ['install', '--ignore-scripts', '--reporter=append-only']
    const { status, output } = await runTool({
      ...{ command: 'pnpm', args, cwd: folder, output: 'keep' },
      env: { CI: 'true', pnpm_config_fetch_retries: '1' },
    })
    if (status !== 0) {
      const last = output.trim().split('\n').slice(-3).join(' ')
      return { adapter: undefined, why: `pnpm does not install it: ${last}` }
    }
    writeFileSync(stamp, '')
  }
  const adapter = join(folder, `${peer.name}.mjs`)
  copyFileSync(fileURLToPath(peer.adapter), adapter)
  return { adapter, folder }
}
