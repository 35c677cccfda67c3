/**
 * What the walk costs: opening a file four names deep, against the usual guard and a bare open.
 *
 * - ours: the root is opened, four names are walked on descriptors, the file is opened
 * - guard: `realpathSync.native`, a comparison, an open; it leaks under a rename
 * - bare: one open of the whole path; it follows every link
 * - `fs.read`: the whole handler, arguments and digest included, against `readFile` of the path
 *
 * Each round measures both sides, in turning order; quoted is the median of the rounds' ratios.
 *
 *     node bench/walk.ts [--json]
 */
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
// @boundaries-ignore a bench is run from the repository, where the harness lies
import { compete } from '../../../tooling/src/harness/rounds.ts'
import { anchorOf } from '../src/choose.ts'
import { fileSystemEffects, fs } from '../src/index.ts'
import { parsePath } from '../src/path.ts'
import { findRooted } from '../src/rooted.ts'

const ROUNDS = 15
const CALLS = 2_000
const PATH = 'a/b/c/file'

const root = mkdtempSync(join(tmpdir(), 'ice-walk-'))
mkdirSync(join(root, 'a/b/c'), { recursive: true })
writeFileSync(join(root, PATH), 'x'.repeat(4_096))

const anchor = anchorOf({})
const resources = [{ kind: 'fs', root }]

function walked(): void {
  const path = parsePath(PATH)
  const fd = findRooted({ anchor, resources, path, last: 'follow' }, ({ entry }) => {
    if (entry === undefined) throw new TypeError('the file is gone')
    return anchor.openFile(entry)
  })
  closeSync(fd)
}

function guarded(): void {
  const real = realpathSync.native(join(root, PATH))
  if (!real.startsWith(`${root}/`)) throw new TypeError('outside')
  closeSync(openSync(real, constants.O_RDONLY))
}

function bare(): void {
  closeSync(openSync(join(root, PATH), constants.O_RDONLY))
}

const [handler] = fileSystemEffects()
const { signal } = new AbortController()

async function performed(): Promise<void> {
  const { arguments: args } = fs.read('bench', { path: PATH })
  const call = { arguments: args, grant: { id: 'bench', resources }, signal, attempt: 1 }
  await handler?.perform(call as unknown as Parameters<typeof handler.perform>[0])
}

async function readWhole(): Promise<void> {
  await readFile(join(root, PATH), 'utf8')
}

/** Microseconds a call. */
const timed = (work: () => void | Promise<void>) => async (): Promise<number> => {
  const start = performance.now()
  for (let call = 0; call < CALLS; call += 1) {
    const pending = work()
    if (pending !== undefined) await pending
  }
  return ((performance.now() - start) * 1_000) / CALLS
}

const contests = [
  { name: `walk + open (${anchor.containment}) / realpath guard`, ours: walked, peer: guarded },
  { name: `walk + open (${anchor.containment}) / bare open`, ours: walked, peer: bare },
  { name: 'fs.read of 4 KiB / readFile', ours: performed, peer: readWhole },
]
const results = []
for (const { name, ours, peer } of contests) {
  const result = await compete({ ours: timed(ours), peer: timed(peer), rounds: ROUNDS })
  const { ours: oursUs, peer: peerUs, ratio } = result
  results.push({ name, ratio, oursUs, peerUs })
}
rmSync(root, { recursive: true })

if (process.argv.includes('--json')) console.log(JSON.stringify(results))
else {
  for (const { name, ratio, oursUs, peerUs } of results) {
    const figures = `${oursUs.toFixed(1).padStart(7)} us  peer ${peerUs.toFixed(1).padStart(7)} us`
    console.log(`${ratio.toFixed(2).padStart(6)}x  ${figures}  ${name}`)
  }
}
