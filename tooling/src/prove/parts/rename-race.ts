/**
 * The rename race: a subject opens names below a root while another process swaps them for links
 * that lead out, as fast as it can.
 *
 *     <temp>/root/door/inner/file   "inside"        <temp>/outside/inner/file   "outside"
 *     <temp>/root/leaf              "inside"        <temp>/outside/leaf         "outside"
 *
 * What counts as an escape is judged by what lies outside: content that was read, names that were
 * listed, and whether anything there was changed. The subject is not asked.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { projectRoot } from '../../lib/house.ts'
import { quickFolder } from '../../lib/quick-folder.ts'

/** Something that acts below a root. What it refuses, or cannot do, it rejects with a `code`. */
export interface RaceSubject {
  /** The text of a file. */
  read(root: string, path: string): Promise<string>
  /** The names in a directory. */
  list(root: string, path: string): Promise<readonly string[]>
  /** Makes or replaces a file. */
  replace(root: string, path: string, content: string): Promise<void>
  /** Deletes a file, or finds it gone. */
  remove(root: string, path: string): Promise<void>
}

/** How long to race. */
export interface RaceOptions {
  readonly tries: number
  readonly subject: RaceSubject
  /** End with the first escape: to show that the race can be lost. */
  readonly untilEscape?: boolean
}

/** How the tries ended; they add up to `tries`. */
export interface RaceCounts {
  readonly tries: number
  /** Acted inside. */
  readonly inside: number
  /** Refused, with a code that ends in `_DENIED`. */
  readonly refused: number
  /** The name was not there, or something else was, in the moment of the swap. */
  readonly missed: number
  /** Saw or changed what lies outside. Anything but 0 is a hole. */
  readonly escaped: number
}

type Outcome = 'inside' | 'refused' | 'missed' | 'escaped'

/** Plants the two trees; the names inside and outside are the same, the content is not. */
const plant = (base: string): { readonly root: string; readonly outside: string } => {
  const [root, outside] = [join(base, 'root'), join(base, 'outside')]
  mkdirSync(join(root, 'door/inner'), { recursive: true })
  mkdirSync(join(outside, 'inner'), { recursive: true })
  for (const path of ['door/inner/file', 'leaf']) writeFileSync(join(root, path), 'inside')
  for (const path of ['inner/file', 'inner/victim', 'inner/outside', 'leaf']) {
    writeFileSync(join(outside, path), 'outside')
  }
  return { root, outside }
}

const isOutsideTouched = (outside: string): boolean => {
  const names = readdirSync(join(outside, 'inner')).sort().join()
  const texts = ['inner/file', 'inner/victim', 'inner/outside', 'leaf'].map((path) =>
    names === 'file,outside,victim' ? readFileSync(join(outside, path), 'utf8') : '',
  )
  return texts.some((text) => text !== 'outside')
}

/** Whether this try is one that changes something. */
const isChange = (at: number): boolean => at % 10 >= 8

/** One try: mostly reads, because they are quick, and each other act once in ten. */
const act = async (subject: RaceSubject, root: string, at: number): Promise<boolean> => {
  switch (at % 10) {
    case 7:
      return (await subject.list(root, 'door/inner')).includes('outside')
    case 8:
      await subject.replace(root, at % 20 === 8 ? 'door/inner/made' : 'leaf', 'inside')
      return false
    case 9:
      await subject.remove(root, 'door/inner/victim')
      return false
    default:
      return (await subject.read(root, at % 2 === 0 ? 'door/inner/file' : 'leaf')) === 'outside'
  }
}

const outcomeOf = async (subject: RaceSubject, root: string, at: number): Promise<Outcome> => {
  try {
    return (await act(subject, root, at)) ? 'escaped' : 'inside'
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    if (typeof code !== 'string') throw error
    return code.endsWith('_DENIED') ? 'refused' : 'missed'
  }
}

/** Runs the race; needs a system with symbolic links. */
export const renameRace = async (options: RaceOptions): Promise<RaceCounts> => {
  // Where renames and syncs are quickest, so that most of the time is race.
  const base = quickFolder('ice-race-')
  const { root, outside } = plant(base)
  const swapper = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('./rename-swapper.ts', import.meta.url)),
      root,
      outside,
      String(process.pid),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = new Promise((resolve) => swapper.once('close', resolve))
  try {
    await Promise.race([new Promise((resolve) => swapper.stdout.once('data', resolve)), ended])
    const counts = { inside: 0, refused: 0, missed: 0, escaped: 0 }
    let tries = 0
    while (tries < options.tries && !(options.untilEscape === true && counts.escaped > 0)) {
      const outcome = await outcomeOf(options.subject, root, tries)
      const isHole = isChange(tries) && isOutsideTouched(outside)
      counts[isHole ? 'escaped' : outcome] += 1
      tries += 1
    }
    if (swapper.exitCode !== null) throw new Error('the swapper ended before the race')
    return { tries, ...counts }
  } finally {
    swapper.kill('SIGKILL')
    await ended
    rmSync(base, { recursive: true, force: true })
  }
}

/** What this file needs of the built `@ice/effects`; tooling depends on no package. */
interface BuiltEffects {
  fileSystemEffects(): readonly {
    readonly action: string
    readonly arguments: { parse(value: unknown): unknown }
    perform(call: unknown): Promise<{ readonly value: unknown }>
  }[]
}

/** The file effects as they are built, each call under a grant of the root alone. */
export const builtFileEffects = async (): Promise<RaceSubject> => {
  const entry = pathToFileURL(join(projectRoot, 'packages/effects/dist/index.js')).href
  const handlers = ((await import(entry)) as BuiltEffects).fileSystemEffects()
  const { signal } = new AbortController()
  let calls = 0
  const perform = async (action: string, root: string, args: object): Promise<unknown> => {
    const handler = handlers.find((each) => each.action === action)
    if (handler === undefined) throw new Error(`@ice/effects has no ${action}`)
    calls += 1
    const grant = { id: 'race', resources: [{ kind: 'fs', root }] }
    const call = { grant, signal, attempt: 1, idempotencyKey: `race/${calls}` }
    const report = await handler.perform({ ...call, arguments: handler.arguments.parse(args) })
    return report.value
  }
  return {
    read: async (root, path) => String(await perform('fs.read', root, { path })),
    list: async (root, path) => {
      const page = (await perform('fs.list', root, { path })) as {
        readonly entries: readonly { readonly name: string }[]
      }
      return page.entries.map(({ name }) => name)
    },
    replace: async (root, path, content) => {
      await perform('fs.replace', root, { path, content })
    },
    remove: async (root, path) => {
      await perform('fs.delete', root, { path })
    },
  }
}
