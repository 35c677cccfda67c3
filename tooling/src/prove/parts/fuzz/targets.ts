/**
 * What is fuzzed: a line for each parser. Adding one is adding its line.
 *
 * The modules are loaded when a target is opened: one that does not load is that target's failure.
 */
import { join } from 'node:path'
import type { OpenTarget } from './target.ts'

const lazily =
  <M>(load: () => Promise<M>, choose: (module: M) => OpenTarget): OpenTarget =>
  async (folder) =>
    choose(await load())(folder)

const primitives = () => import('./primitives.ts')
const log = () => import('./log.ts')
const command = () => import('./command.ts')
const exchange = () => import('./exchange.ts')
const sqlite = () => import('@ice/events-sqlite')

/** By name. */
export const FUZZ_TARGETS: ReadonlyMap<string, OpenTarget> = new Map([
  ['json-bytes', lazily(primitives, (each) => each.openJsonBytes)],
  ['json-text', lazily(primitives, (each) => each.openJsonText)],
  ['canonical', lazily(primitives, (each) => each.openCanonical)],
  ['error-record', lazily(primitives, (each) => each.openErrorRecord)],
  ['ids', lazily(primitives, (each) => each.openIds)],
  ['decode', lazily(log, (each) => each.openDecode)],
  ['upcast', lazily(log, (each) => each.openUpcast)],
  ['verify', lazily(log, (each) => each.openVerify)],
  ['gateway', lazily(log, (each) => each.openGateway)],
  ['payloads', lazily(log, (each) => each.openPayloads)],
  [
    'queries',
    async (folder) => {
      const [{ openQueries }, { openSqliteEventStore }] = await Promise.all([log(), sqlite()])
      const path = join(folder, 'log.db')
      return openQueries((_, clock) => openSqliteEventStore({ path, clock }))(folder)
    },
  ],
  ['postgres-target', lazily(command, (each) => each.openPostgresTarget)],
  ['grant', lazily(command, (each) => each.openGrant)],
  ['arguments', lazily(command, (each) => each.openArguments)],
  ['input', lazily(command, (each) => each.openInput)],
  ['config', lazily(command, (each) => each.openConfig)],
  ['manifests', lazily(command, (each) => each.openManifests)],
  [
    'sqlite-file',
    lazily(
      () => import('./files.ts'),
      (each) => each.openSqliteFile,
    ),
  ],
  ['import', lazily(exchange, (each) => each.openImport)],
  ['segment', lazily(exchange, (each) => each.openSegment)],
])
