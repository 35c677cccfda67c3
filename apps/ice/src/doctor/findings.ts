/**
 * What a doctor looks at. Each look stands alone: one that fails is a finding, and the others are
 * still taken. Nothing is written, and no log is begun.
 */
import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { EventLog } from '@ice/events/ports'
import type { PostgresInspection } from '@ice/events-postgres'
import type { SqliteInspection } from '@ice/events-sqlite'
import { errorRecord, hasCode } from '@ice/primitives'
import type { Invocation } from '../invocation.ts'
import { bytes, count } from '../terminal/format.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly id: string
  readonly what: string
  /** `fair` works, but promises less. */
  readonly state: 'good' | 'fair' | 'bad'
  readonly found: string
  readonly remedy: string | null
}

type Look = (invocation: Invocation) => Promise<readonly Finding[]>

const LOOKS: readonly (readonly [id: string, what: string, look: Look])[] = [
  ['node', 'Node', lookAtNode],
  ['typescript', 'TypeScript programs', lookAtTypescript],
  ['config', 'configuration', lookAtConfig],
  ['disk', 'disk', lookAtDisk],
  ['files', 'rooted files', lookAtFiles],
  ['store', 'log', lookAtStore],
  ['secrets', 'secrets', lookAtSecrets],
]

/** Takes every look, one after another. */
export async function* findings(invocation: Invocation): AsyncGenerator<Finding> {
  for (const [id, what, look] of LOOKS) {
    try {
      yield* await look(invocation)
    } catch (error) {
      const { code, message, cause } = errorRecord(error)
      const because = cause === undefined ? '' : ` (${cause.message})`
      const { next } = error as { readonly next?: readonly string[] }
      const remedy = next?.[0] ?? `this look failed with ${code}`
      yield { id, what, state: 'bad', found: `${message}${because}`, remedy }
    }
  }
}

function good(id: string, what: string, found: string): Finding {
  return { id, what, state: 'good', found, remedy: null }
}

async function lookAtNode(): Promise<readonly Finding[]> {
  const { platform, arch, version, versions } = process
  const found = `${version} on ${platform} ${arch}, V8 ${versions.v8}`
  const [major = 0, minor = 0] = versions.node.split('.').map(Number)
  const isOld = major < 22 || (major === 22 && minor < 12)
  if (!isOld) return [good('node', 'Node', found)]
  return [{ id: 'node', what: 'Node', state: 'bad', found, remedy: 'install Node 22.12 or later' }]
}

async function lookAtTypescript(): Promise<readonly Finding[]> {
  const what = 'TypeScript programs'
  const { typescript } = process.features as { readonly typescript?: unknown }
  if (typescript === 'strip' || typescript === 'transform') {
    return [good('typescript', what, 'run as they are')]
  }
  const remedy = 'use Node 22.18 or later, or compile programs to JavaScript'
  const found = 'this Node does not run them'
  return [{ id: 'typescript', what, state: 'fair', found, remedy }]
}

async function lookAtConfig(invocation: Invocation): Promise<readonly Finding[]> {
  const { path, programs, grants } = await invocation.config()
  if (path === null) return [good('config', 'configuration', 'none: everything has its default')]
  const missing = [...programs].filter(([, { file }]) => file !== null && !existsSync(file))
  const told = `${path}: ${programs.size} programs, ${Object.keys(grants).length} grants for all`
  const [first] = missing
  if (first === undefined) return [good('config', 'configuration', told)]
  const found = `${told}; the file of "${first[0]}" is not there`
  const remedy = `put the program at ${first[1].file}, or take it out of the configuration`
  return [{ id: 'config', what: 'configuration', state: 'bad', found, remedy }]
}

const DISK_BYTES_LOW = 256 * 1024 * 1024

async function lookAtDisk(invocation: Invocation): Promise<readonly Finding[]> {
  const store = await invocation.store()
  // The disk of a server is looked at where it is.
  if (store.kind === 'postgres') return []
  let folder = dirname(store.path)
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder)
  const { bavail, bsize, type } = statfsSync(folder)
  const free = bavail * bsize
  const found = `${bytes(free)} free at ${folder} (filesystem type 0x${type.toString(16)})`
  if (free >= DISK_BYTES_LOW) return [good('disk', 'disk', found)]
  const remedy = 'make room: a log that cannot grow refuses every effect'
  return [{ id: 'disk', what: 'disk', state: 'bad', found, remedy }]
}

async function lookAtFiles(): Promise<readonly Finding[]> {
  const { describeFileSystem } = await import('@ice/effects')
  const { guaranteed, note } = describeFileSystem()
  if (guaranteed) return [good('files', 'rooted files', note)]
  const remedy = 'on Linux, mount /proc; elsewhere, let nothing untrusted write to granted folders'
  return [{ id: 'files', what: 'rooted files', state: 'fair', found: note, remedy }]
}

async function lookAtStore(invocation: Invocation): Promise<readonly Finding[]> {
  const store = await invocation.store()
  const { name, by } = store
  const none = `none at ${name} yet (chosen by ${by}); \`ice run\` begins one`
  if (store.kind === 'file' && !existsSync(store.path)) return [good('store', 'log', none)]
  const { readPlace, using } = await import('../log/open.ts')
  try {
    return await using(await readPlace(store), async (reader) => [
      ...(reader.kind === 'file'
        ? fileFindings(reader.store.inspect())
        : serverFindings(await reader.store.inspect())),
      await lookAtTaxonomy(reader.log),
    ])
  } catch (error) {
    // The schema is made with the log; a database is not, and its lack stays a finding.
    const isNoLog = hasCode((error as { readonly cause?: unknown }).cause, LOG_NOT_FOUND)
    if (isNoLog) return [good('store', 'log', none)]
    throw error
  }
}

const LOG_NOT_FOUND = 'ICE_EVENTS_POSTGRES_LOG_NOT_FOUND'

/** Whether each name has a value; no value is looked at, and none is told. */
async function lookAtSecrets(invocation: Invocation): Promise<readonly Finding[]> {
  const config = await invocation.config().catch(() => null)
  // Of a configuration that cannot be read the finding of that name tells.
  if (config === null) return []
  const { secrets } = config
  if (secrets === null) return [good('secrets', 'secrets', 'no store is configured')]
  const { openSecrets } = await import('../config/secrets.ts')
  const store = await openSecrets(secrets)
  const names = await store.names()
  const missing: string[] = []
  for (const name of names) {
    try {
      await store.resolve(name)
    } catch (error) {
      if (!hasCode(error, 'ICE_EFFECTS_SECRET_NOT_FOUND')) throw error
      missing.push(name)
    }
  }
  const from = 'file' in secrets ? secrets.file : 'the environment'
  const found = `${count(names.length)} of ${from}`
  if (missing.length === 0) return [good('secrets', 'secrets', found)]
  const without = `${found}; ${count(missing.length)} without a value, "${missing[0]}" first`
  const remedy = 'set it where the configuration says: a call that carries it fails until then'
  return [{ id: 'secrets', what: 'secrets', state: 'fair', found: without, remedy }]
}

function fileFindings(inspected: SqliteInspection): readonly Finding[] {
  const { path, format, sqliteVersion, head, streams, walBytes, settings } = inspected
  const size = `${count(head)} events in ${count(streams)} streams, ${bytes(inspected.bytes)}`
  const told = `${path}: format ${format}, SQLite ${sqliteVersion}, ${size}, WAL ${bytes(walBytes)}`
  const read = `synchronous=${settings['synchronous']}, journal_mode=${settings['journal_mode']}`
  return [good('store', 'log', told), durabilityFinding(inspected.weakestDurability, read)]
}

function serverFindings(inspected: PostgresInspection): readonly Finding[] {
  const { server, schema, format, serverVersion, head, streams, settings } = inspected
  const size = `${count(head)} events in ${count(streams)} streams, ${bytes(inspected.bytes)}`
  const told = `${schema} in ${server}: format ${format}, PostgreSQL ${serverVersion}, ${size}`
  const read = ['synchronous_commit', 'fsync'].map((name) => `${name}=${settings[name]}`)
  return [
    good('store', 'log', told),
    durabilityFinding(inspected.weakestDurability, read.join(', ')),
  ]
}

function durabilityFinding(weakest: string, read: string): Finding {
  const what = 'durability'
  if (weakest === 'disk') return good('durability', what, `disk (${read}, read back)`)
  const remedy = 'acknowledged events of that time may be lost in a power cut; nothing to do now'
  return { id: 'durability', what, state: 'fair', found: `${read}; once opened with less`, remedy }
}

/** Whether this program knows everything that the log holds. */
async function lookAtTaxonomy(log: EventLog): Promise<Finding> {
  const what = 'vocabulary'
  let latest: string | null = null
  const adopted = new Set<string>()
  const query = { filter: { streamPrefix: 'runtime/', types: ['TaxonomyAdopted'] } }
  for await (const batch of log.readAll(query)) {
    for (const { data } of batch) {
      latest = (data as { readonly digest: string }).digest
      adopted.add(latest)
    }
  }
  const own = log.taxonomy.digest as string
  if (latest === null) return good('taxonomy', what, 'the log was written without a runtime')
  if (latest === own) return good('taxonomy', what, `the same as this program's (${own})`)
  const other = adopted.has(own) ? 'was this one, and is another now' : 'is another than this one'
  const found = `the log's ${other} (${latest}, here ${own})`
  const remedy =
    'events of types unknown here are shown as they are; write with the program they are of'
  return { id: 'taxonomy', what, state: 'fair', found, remedy }
}
