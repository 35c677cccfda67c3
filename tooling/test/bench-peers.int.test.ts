import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { contestTable } from '../src/bench/parts/contest-table.ts'
import { load } from '../src/bench/parts/load.ts'
import { chosenPeers, PEERS } from '../src/bench/peers/list.ts'
import { openSide } from '../src/bench/peers/side.ts'
import { canCountSyncs, countSyncs } from '../src/bench/peers/syncs.ts'

/** An adapter in a folder of its own. */
function adapterOf(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ice-adapter-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const adapter = join(folder, 'adapter.mjs')
  writeFileSync(adapter, source)
  return adapter
}

const SYNCING = `import { fsyncSync, openSync, writeSync } from 'node:fs'
export async function open({ folder }) {
  const file = openSync(folder + '/file', 'w')
  const once = async () => { writeSync(file, 'x'); fsyncSync(file); fsyncSync(file); return 'done' }
  return { once, close: async () => undefined }
}`

describe('the load generator', () => {
  it('has as many calls at a time as it was told, and no more calls than that', async () => {
    let at = 0
    const seen: number[] = []
    const { calls, times } = await load({ atATime: 3, calls: 7 }, async () => {
      at += 1
      seen.push(at)
      await new Promise((resolve) => setImmediate(resolve))
      at -= 1
    })
    expect([calls, times.length, Math.max(...seen)]).toEqual([7, 7, 3])
  })

  it('fails when a call fails', async () => {
    const failing = load({ atATime: 2, calls: 4 }, () => Promise.reject(new TypeError('no')))
    await expect(failing).rejects.toThrow('no')
  })
})

describe('the peers', () => {
  it('are named exactly, and a name that is none of theirs is refused', () => {
    expect(chosenPeers(undefined)).toBe(PEERS)
    expect(chosenPeers('restate,dbos').map(({ name }) => name)).toEqual(['dbos', 'restate'])
    expect(chosenPeers('')).toEqual([])
    expect(() => chosenPeers('dbos,constructor')).toThrow('names constructor; there are: mastra')
    for (const { packages } of PEERS)
      for (const version of Object.values(packages)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  })

  it('that are missing stand in the table with their reason', () => {
    const standing = { title: 'ICE', rate: 900, p50: 1, p99: 2, syncs: undefined, ratio: 1 }
    const missing = [{ title: 'Other', why: 'it does not start' }]
    const table = contestTable([standing], { atATime: 16, missing, load: 1 })
    expect(table).toContain('Other: not measured: it does not start')
    expect(table).toContain('not counted')
  })
})

describe('a side of the contest', () => {
  it('carries out loads in a process of its own', async () => {
    const side = await openSide({ title: 'test', adapter: adapterOf(SYNCING) })
    expect((await side.round({ atATime: 2, calls: 10 })).runs).toBe(10)
    await side.close()
  })

  it('that does not open says why', async () => {
    const adapter = adapterOf(
      'export const open = async () => { throw new TypeError("no server") }',
    )
    await expect(openSide({ title: 'test', adapter })).rejects.toThrow('no server')
  })

  it('that does not finish its runs is no side', async () => {
    const adapter = adapterOf(
      'export const open = async () => ({ once: async () => "failed", close: async () => {} })',
    )
    await expect(openSide({ title: 'test', adapter })).rejects.toThrow('a run ended with "failed"')
  })

  it.skipIf(!canCountSyncs())('has its syncs counted (needs strace)', async () => {
    const side = await openSide({ title: 'test', adapter: adapterOf(SYNCING) })
    const syncs = await countSyncs(side.pids, async () => {
      await side.round({ atATime: 1, calls: 5 })
    })
    expect(syncs).toBe(10)
    await side.close()
  })

  it('has no syncs to count where its processes are not here', async () => {
    expect(await countSyncs([], async () => undefined)).toBeUndefined()
  })
})
