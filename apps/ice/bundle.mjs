/**
 * Puts the built command and all it loads into a few files: `dist/bundle`.
 *
 * Three hundred small modules are found, read and linked one by one at every start, and that is
 * most of what a start costs. The bundle is made of what the compiler wrote and of nothing else,
 * and the door uses it only while it is newer than that: see `bin/ice.mjs`.
 *
 * What a program imports of ours is an entry of its own over the same chunks, so that a program
 * and the command share one copy of it.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const home = dirname(fileURLToPath(import.meta.url))
const target = join(home, 'dist/bundle')
const stampFile = join(target, 'stamp.json')

/**
 * Loaded from where they are: a binary, what is hardly ever needed, and a WebAssembly module. A
 * store stands never here: it would bring a second copy of `@ice/events`, which takes no event
 * that the copy in the bundle has prepared. (`pg` asks for `pg-native`, and goes without.)
 */
const OUTSIDE = ['better-sqlite3', '@clack/prompts', '@ice/policy-cedar', 'pg-native']
/** Code of verbs that are called now and then, and the store that few of them open. */
const SELDOM = [
  /\/dist\/(?:survey|demo|doctor|why|backtest|verbs\/(?:why|backtest|show|doctor))/,
  /\/dist\/log\/(?:timeline|postgres)/,
  /\/events-postgres\/dist\/|\/node_modules\/(?:pg|pg-[^/]*|pgpass|postgres-[^/]*|split2|xtend)\//,
]
/** Entries that only tests and builders of other packages load. */
const APART = ['./contract', './testing', './package.json']

const { dependencies } = readJson(join(home, 'package.json'))
const packages = Object.keys(dependencies).filter(
  (name) => name.startsWith('@ice/') && !OUTSIDE.includes(name),
)
const folders = [home, ...packages.map((name) => join(home, 'node_modules', name))]

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** When the compiler last wrote each of the packages, relative to the door. */
function inputs() {
  return folders.map((folder) => {
    const built = join(folder, 'dist/.tsbuildinfo')
    return [relative(join(home, 'bin'), built), statSync(built).mtimeMs]
  })
}

/** What programs may import, and the file it is in: `{ '@ice/runs': '/…/dist/index.js' }`. */
function shared() {
  const entries = packages.flatMap((name) => {
    const folder = join(home, 'node_modules', name)
    const { exports } = readJson(join(folder, 'package.json'))
    return Object.entries(exports)
      .filter(([path]) => !APART.includes(path))
      .map(([path, to]) => [`${name}${path.slice(1)}`, join(folder, to.default ?? to)])
  })
  const zod = fileURLToPath(import.meta.resolve('zod'))
  return new Map([...entries, ['zod', zod]].filter(([, file]) => existsSync(file)))
}

function fileOf(specifier) {
  return specifier.replace('@', '').replaceAll('/', '-')
}

/** The parser of the command line could start verbs as processes; ours are no processes. */
const withoutSubprocesses = {
  name: 'without-subprocesses',
  resolveId: (source, importer) =>
    source === 'node:child_process' && importer?.includes('commander') ? '\0none' : null,
  load: (id) => (id === '\0none' ? 'export default {}' : null),
}

async function write(folder) {
  const { rolldown } = await import('rolldown')
  const entries = shared()
  const named = [...entries].map(([specifier, file]) => [fileOf(specifier), file])
  const bundle = await rolldown({
    input: { main: join(home, 'dist/main.js'), ...Object.fromEntries(named) },
    platform: 'node',
    external: OUTSIDE,
    plugins: [withoutSubprocesses],
    // What is loaded late in modules may come early in a bundle: that is what it is for.
    onLog: (level, log, report) => {
      if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') report(level, log)
    },
  })
  await bundle.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    // What every verb needs is one file; what only some need stays apart.
    codeSplitting: {
      groups: [{ name: 'core', test: (id) => !SELDOM.some((those) => those.test(id)) }],
    },
  })
  await bundle.close()
  return Object.fromEntries([...entries.keys()].map((name) => [name, `${fileOf(name)}.js`]))
}

const now = inputs()
const before = existsSync(stampFile) ? readJson(stampFile) : { inputs: [] }
if (JSON.stringify(before.inputs) !== JSON.stringify(now)) {
  mkdirSync(target, { recursive: true })
  // A folder of its own: a process that is running still loads from the one before.
  const folder = `at-${Date.now()}`
  const written = await write(join(target, folder))
  const draft = `${stampFile}.${process.pid}`
  writeFileSync(draft, JSON.stringify({ inputs: now, folder, shared: written }))
  renameSync(draft, stampFile)
  for (const name of readdirSync(target)) {
    const keep = [folder, before.folder, 'stamp.json'].includes(name)
    if (!keep) rmSync(join(target, name), { recursive: true, force: true })
  }
}
