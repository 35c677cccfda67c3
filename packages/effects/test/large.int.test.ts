/** Verifies: EFF-R05, EFF-R06, EFF-R07, EFF-R08 */

import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { ByteFold } from '@ice/runs/ports'
import { afterAll, describe, expect, it } from 'vitest'
import { fs } from '../src/index.ts'
import { codeOf, folder, memory, perform, plant, resultOf } from './kit.ts'

const MIB = 1_048_576
const ENTRIES = 100_000

const counting: ByteFold<{ bytes: number; chunks: number }, number> = {
  start: () => ({ bytes: 0, chunks: 0 }),
  step: (state, chunk) => {
    state.bytes += chunk.length
    state.chunks += 1
    return state
  },
  finish: ({ bytes }) => bytes,
}

/** The most resident memory seen while `work` runs, above what there was before; in bytes. */
async function growthOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss()
  let peak = before
  const stop = new AbortController()
  const watch = (async () => {
    while (!stop.signal.aborted) {
      peak = Math.max(peak, process.memoryUsage.rss())
      await sleep(20)
    }
  })()
  await work()
  stop.abort()
  await watch
  return Math.max(peak, process.memoryUsage.rss()) - before
}

describe('a large directory', () => {
  it(`of ${ENTRIES} entries is listed page by page in bounded memory`, async () => {
    const root = folder(memory)
    for (let at = 0; at < ENTRIES; at += 1) {
      closeSync(openSync(join(root, `a-name-of-some-length-${(at * 7919) % ENTRIES}`), 'w'))
    }
    const expected = readdirSync(root).sort()
    const list = (after: string, limit: number): Promise<unknown> =>
      resultOf(root, fs.list('g', { path: '.', limit, ...(after === '' ? {} : { after }) }))
    await list('', 1_000)
    const seen: string[] = []
    const growth = await growthOf(async () => {
      let more = true
      while (more) {
        const page = (await list(seen.at(-1) ?? '', 20_000)) as {
          entries: { name: string }[]
          more: boolean
        }
        seen.push(...page.entries.map(({ name }) => name))
        more = page.more
      }
    })
    expect(seen).toEqual(expected)
    expect(growth).toBeLessThan(128 * MIB)
  })

  it('leaves other work its turns while it is read', async () => {
    const root = folder(memory)
    for (let at = 0; at < 20_000; at += 1) closeSync(openSync(join(root, `n${at}`), 'w'))
    let turns = 0
    let isDone = false
    const list = resultOf(root, fs.list('g', { path: '.', limit: 10 })).finally(() => {
      isDone = true
    })
    while (!isDone) {
      turns += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    await list
    expect(turns).toBeGreaterThan(20)
  })
})

describe('a large file', () => {
  it('of 5 GB is folded in constant memory', async (context) => {
    const root = folder(memory)
    const size = 5_000_000_000
    writeFileSync(join(root, 'big'), '')
    truncateSync(join(root, 'big'), size)
    const isSparse = statSync(join(root, 'big')).blocks < 1_000
    if (!isSparse) context.skip('needs a filesystem with sparse files')
    const read = fs.read('g', { path: 'big', maxBytes: size }, counting)
    let report: unknown
    const growth = await growthOf(async () => {
      report = await perform(root, read)
    })
    expect(report).toMatchObject({ value: size, observed: { path: 'big', bytes: size } })
    expect(growth).toBeLessThan(64 * MIB)
    // Without a fold the same file is refused before a byte of it is read.
    const whole = fs.read('g', { path: 'big', maxBytes: size })
    expect(await codeOf(root, whole)).toBe('ICE_EFFECTS_OUTPUT_LIMIT')
  })
})

describe('replacing while others read', () => {
  it('shows every reader one whole file, old or new', async () => {
    const root = folder()
    const content = (version: number): string => String(version % 10).repeat(300_000)
    plant(root, [`f = ${content(0)}`])
    const reader = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
       const { readFileSync } = require('node:fs')
       const seen = new Set(); let torn = 0; let reads = 0; let stop = false
       parentPort.on('message', () => { stop = true })
       const turn = () => {
         const text = readFileSync(workerData, 'utf8')
         reads += 1
         if (text.length !== 300000 || text !== text[0].repeat(text.length)) torn += 1
         seen.add(text[0])
         if (stop) parentPort.postMessage({ reads, torn, versions: seen.size })
         else setImmediate(turn)
       }
       parentPort.postMessage('ready'); turn()`,
      { eval: true, workerData: join(root, 'f') },
    )
    await new Promise((resolve) => reader.once('message', resolve))
    for (let version = 1; version <= 200; version += 4) {
      const replacing = [0, 1, 2, 3].map((at) =>
        perform(root, fs.replace('g', { path: 'f', content: content(version + at) }), {
          key: `run/${version + at}`,
        }),
      )
      await Promise.all(replacing)
    }
    const result = new Promise<{ reads: number; torn: number; versions: number }>((resolve) =>
      reader.once('message', resolve),
    )
    reader.postMessage('stop')
    const { reads, torn, versions } = await result
    await reader.terminate()
    expect(torn).toBe(0)
    expect(reads).toBeGreaterThan(1)
    expect(versions).toBeGreaterThan(1)
    expect(readdirSync(root)).toEqual(['f'])
  })

  it('lets one of many writers create a file, and tells the others', async () => {
    const root = folder()
    const codes = await Promise.all(
      Array.from({ length: 16 }, (_, at) =>
        codeOf(root, fs.write('g', { path: 'f', content: `${at}` }), { key: `run/${at}` }),
      ),
    )
    const winners = codes.flatMap((code, at) => (code === 'done' ? [String(at)] : []))
    expect(winners).toEqual([readFileSync(join(root, 'f'), 'utf8')])
    expect(new Set(codes)).toEqual(new Set(['done', 'ICE_EFFECTS_FILE_EXISTS_CONFLICT']))
    expect(readdirSync(root)).toEqual(['f'])
  })
})

const mounted: string[] = []
afterAll(() => {
  for (const at of mounted) spawnSync('umount', [at])
})

/** A filesystem of one mebibyte, or `undefined` where this process may not mount. */
function smallDisk(): string | undefined {
  const at = folder()
  const options = ['-t', 'tmpfs', '-o', 'size=1m,nr_inodes=16', 'tmpfs', at]
  if (spawnSync('mount', options).status !== 0) return undefined
  mounted.push(at)
  return at
}

describe('a machine that fails', () => {
  it('with a full disk is told by a code, and keeps the old file and no draft', async (context) => {
    const root = smallDisk()
    if (root === undefined) {
      context.skip('needs the right to mount a tmpfs')
      return
    }
    plant(root, ['f = old'])
    const content = 'x'.repeat(2 * MIB)
    for (const request of [
      fs.replace('g', { path: 'f', content }),
      fs.write('g', { path: 'g', content }),
    ]) {
      const error = await perform(root, request).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'ICE_EFFECTS_UNAVAILABLE',
        retryable: true,
        data: { errno: 'ENOSPC' },
      })
    }
    expect(readdirSync(root)).toEqual(['f'])
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('old')
    spawnSync('umount', [root])
  })

  it('is told by a code when there are no descriptors left, and goes on afterwards', async () => {
    const root = folder()
    plant(root, ['d/d/d/d/d/d/d/d/f = text'])
    const script = scriptOf(`
      const { openSync, closeSync } = await import('node:fs')
      const path = 'd/d/d/d/d/d/d/d/f'
      await perform('fs.read', { path })
      const held = []
      try {
        for (;;) held.push(openSync('/'))
      } catch (error) {
        if (error.code !== 'EMFILE') throw error
      }
      for (const fd of held.splice(0, 3)) closeSync(fd)
      const told = await perform('fs.read', { path }).catch(({ code, data }) => [code, data.errno])
      for (const fd of held) closeSync(fd)
      const { value } = await perform('fs.read', { path })
      console.log(JSON.stringify([...told, value]))
    `)
    const limited = spawn(
      'sh',
      [
        '-c',
        'ulimit -n 64; exec "$0" --input-type=module -e "$1" "$2"',
        process.execPath,
        script,
        root,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    for await (const chunk of limited.stdout) output += String(chunk)
    expect(JSON.parse(output)).toEqual(['ICE_EFFECTS_UNAVAILABLE', 'EMFILE', 'text'])
  })

  it('is told by a code when the system closes a file to this process', async () => {
    const root = folder()
    plant(root, ['closed/f = ', 'passable/f = passed'])
    writeFileSync(join(root, 'secret'), '', { mode: 0o000 })
    chmodSync(join(root, 'closed'), 0o000)
    chmodSync(join(root, 'passable'), 0o111)
    chmodSync(root, 0o755)
    // The superuser passes every permission, so someone else has to try.
    const isBound = process.getuid?.() !== 0
    const other = isBound ? {} : { uid: 65_534, gid: 65_534 }
    const script = scriptOf(`
      const codes = {}
      for (const path of ['secret', 'closed/f', 'passable/f', 'new']) {
        const [action, args] = path === 'new' ? ['fs.write', { content: '' }] : ['fs.read', {}]
        const told = perform(action, { path, ...args })
        codes[path] = await told.then(({ value }) => value, ({ code }) => code)
      }
      console.log(JSON.stringify(codes))
    `)
    const options = { ...other, encoding: 'utf8' } as const
    const args = ['--input-type=module', '-e', script, root]
    const { stdout, stderr } = spawnSync(process.execPath, args, options)
    const refused = 'ICE_EFFECTS_PERMISSION_UNAVAILABLE'
    expect(JSON.parse(stdout === '' ? JSON.stringify(stderr) : stdout)).toEqual({
      secret: refused,
      'closed/f': refused,
      // A directory that may be passed and not be listed is passed.
      'passable/f': 'passed',
      new: isBound ? '' : refused,
    })
  })
})

/** A script that performs effects below the folder in its first argument. */
function scriptOf(body: string): string {
  const source = new URL('../src/index.ts', import.meta.url).href
  return `
    import { fileSystemEffects } from ${JSON.stringify(source)}
    const { signal } = new AbortController()
    const resources = [{ kind: 'fs', root: process.argv[1] }]
    const perform = async (action, args) => {
      const handler = fileSystemEffects().find((each) => each.action === action)
      const call = { attempt: 1, idempotencyKey: 'k', signal, grant: { id: 'g', resources } }
      return handler.perform({ ...call, arguments: handler.arguments.parse(args) })
    }
    ${body}
  `
}
