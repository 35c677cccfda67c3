/**
 * The proof that a survey of a folder of any size is true and stays within its memory: a hundred
 * thousand files, a million with `--full`, most of them in one directory, and one of 5 GB that
 * takes no room on the disk.
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ProveTopic } from '../harness/topics.ts'
import { projectRoot } from '../lib/house.ts'
import { runTool } from '../lib/tools.ts'

const MEMORY_BYTES_MAX: number = 256 * 1_048_576
const LARGE_BYTES = 5_000_000_000
const CONTENT = 'let x = 1\n// as it was\n'

/** What `--json` says, as far as it is held to here. */
interface Outcome {
  readonly held: boolean
  readonly claims: readonly { readonly name: string; readonly held: boolean }[]
  readonly result: {
    readonly totals: { readonly files: number; readonly lines: number; readonly bytes: number }
  }
  readonly table: { readonly rssBytes: number; readonly ms: number }
}

export const topic: ProveTopic = {
  summary: 'a survey of 100,000 files (1,000,000 with --full) and one of 5 GB, within 256 MB',
  async run({ full, say, check, progress }) {
    const files = full ? 1_000_000 : 100_000
    const base = realpathSync(mkdtempSync(join(tmpdir(), 'ice-survey-proof-')))
    try {
      const source = join(base, 'source')
      progress(`making ${files} files`)
      makeFolder(source, files)
      const door = JSON.stringify(pathToFileURL(join(projectRoot, 'apps/ice/dist/demo/index.js')))
      const open = `process.exitCode = await (await import(${door})).demo(process.argv.slice(1))`
      const args = ['--input-type=module', '--eval', open, '--', source, '--json']
      progress(`a survey of ${files} files`)
      const { status, output } = await runTool({
        command: process.execPath,
        args,
        cwd: base,
        output: 'keep',
      })
      if (status !== 0) say(`  the demonstration ended with ${status}: ${output.slice(0, 2_000)}`)
      const { held, claims, result, table } = JSON.parse(output) as Outcome
      const { rssBytes, ms } = table
      say(`  ${Math.round(ms / 1000)} s, ${Math.round(rssBytes / 1_048_576)} MiB of memory`)
      await check('the demonstration holds on a folder of that size', () => {
        const missed = claims.filter((claim) => !claim.held).map(({ name }) => name)
        if (!held) throw new Error(missed.join('; '))
        return claims.length
      })
      await check('the totals are those of what was made', () => {
        const bytes = files * CONTENT.length + LARGE_BYTES
        const wanted = { files: files + 1, lines: files * 2, bytes }
        for (const name of ['files', 'lines', 'bytes'] as const) {
          if (result.totals[name] === wanted[name]) continue
          throw new Error(`${name}: ${result.totals[name]}, and ${wanted[name]} were made`)
        }
        return files
      })
      await check('no process of it had more than 256 MiB of memory', () => {
        if (rssBytes > MEMORY_BYTES_MAX) throw new Error(`one had ${rssBytes} bytes`)
        return rssBytes
      })
    } finally {
      rmSync(base, { recursive: true, force: true })
    }
  },
}

/** Nine of ten in one directory, the others a hundred to one; and a file full of nothing. */
const makeFolder = (root: string, files: number): void => {
  mkdirSync(join(root, 'one'), { recursive: true })
  for (let at = 0; at < files; at += 1) {
    const folder = at % 10 > 0 ? 'one' : `many/${Math.floor(at / 1_000)}`
    if (at % 1_000 === 0) mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(join(root, folder, `file-${at}.ts`), CONTENT)
  }
  writeFileSync(join(root, 'large.bin'), '')
  truncateSync(join(root, 'large.bin'), LARGE_BYTES)
}
