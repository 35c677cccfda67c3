/**
 * The configuration of a folder: found, read strictly, its paths made absolute.
 *
 * Nothing is found by climbing: a file in some folder above must not grant anything here.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { caveatFault } from '@ice/capabilities'
import type { Caveat, Resource } from '@ice/capabilities/ports'
import { parseStrict, type Timestamp } from '@ice/primitives'
import type { GrantSpec } from '@ice/runs/ports'
import { parseExpiry } from '../args/duration.ts'
import { folderProbe } from '../args/folder.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { CONFIG_BYTES_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'
import type { ConfigFile, ConfigGrant } from './schema.ts'
import type { SecretsChoice } from './secrets.ts'
import { parseStore, type StorePlace } from './store.ts'

/** The name under which a configuration is looked for. */
export const CONFIG_NAME = 'ice.config.json'

/** A configuration; an empty one where there is no file. */
export interface Config {
  /** The file it was read from. */
  readonly path: string | null
  /** Where the log is. */
  readonly store: StorePlace | null
  /** Where the effects of programs have secrets from. */
  readonly secrets: SecretsChoice | null
  readonly programs: ReadonlyMap<string, ConfigProgram>
  readonly grants: Readonly<Record<string, ConfigGrant>>
}

/** A program as the configuration names it. */
export interface ConfigProgram {
  /** Absolute; `null` for a built-in one. */
  readonly file: string | null
  readonly grants: Readonly<Record<string, ConfigGrant>>
}

const NONE: Config = {
  path: null,
  store: null,
  secrets: null,
  programs: new Map(),
  grants: {},
}

/**
 * Loads the configuration.
 *
 * @param asked - `--config`: a path, `false` for none, `undefined` to look in `cwd`
 * @throws `ICE_CLI_CONFIG_UNSUPPORTED`, `ICE_CLI_CONFIG_NOT_FOUND`
 */
export async function loadConfig(asked: string | false | undefined, cwd: string): Promise<Config> {
  if (asked === false) return NONE
  const path = asked === undefined ? join(cwd, CONFIG_NAME) : resolve(cwd, asked)
  if (!existsSync(path)) {
    if (asked === undefined) return NONE
    throw new CliError(CLI_CODES.configNotFound, `There is no configuration at ${plain(path)}`)
  }
  const file = await checked(readJson(path), path)
  const folder = dirname(path)
  const programs = Object.entries(file.programs ?? {}).map(
    ([name, program]): readonly [string, ConfigProgram] => {
      const { file: source, grants = {} } =
        typeof program === 'string' ? { file: program } : program
      return [name, { file: source === undefined ? null : resolve(folder, source), grants }]
    },
  )
  return {
    path,
    store: file.store === undefined ? null : parseStore(file.store, folder),
    secrets: secretsOf(file, folder),
    programs: new Map(programs),
    grants: file.grants ?? {},
  }
}

function secretsOf({ secrets }: ConfigFile, folder: string): SecretsChoice | null {
  if (secrets === undefined) return null
  return 'file' in secrets ? { file: resolve(folder, secrets.file) } : secrets
}

function readJson(path: string): unknown {
  try {
    return parseStrict(readFileSync(path), { bytesMax: CONFIG_BYTES_MAX })
  } catch (cause) {
    throw new CliError(CLI_CODES.config, `${plain(path)} cannot be read as JSON`, { cause })
  }
}

async function checked(value: unknown, path: string): Promise<ConfigFile> {
  // Loaded only where there is a configuration to check.
  const { checkConfig } = await import('./schema.ts')
  try {
    return checkConfig(value)
  } catch (cause) {
    throw new CliError(CLI_CODES.config, `${plain(path)} is not a configuration`, {
      next: ['the README of @ice/cli describes what it may hold'],
      cause,
    })
  }
}

/**
 * The grants the configuration gives to a program: those for it, over those for all.
 *
 * @throws `ICE_CLI_CONFIG_UNSUPPORTED`
 */
export function configuredGrants(
  config: Config,
  program: string | null,
  now: number,
): Readonly<Record<string, GrantSpec>> {
  const own = program === null ? {} : (config.programs.get(program)?.grants ?? {})
  const specs = new Map<string, GrantSpec>()
  for (const [name, grant] of [...Object.entries(config.grants), ...Object.entries(own)]) {
    specs.set(name, grantSpec(grant, { name, now, folder: dirname(config.path ?? '.') }))
  }
  return Object.fromEntries(specs)
}

function grantSpec(
  grant: ConfigGrant,
  setting: { readonly name: string; readonly now: number; readonly folder: string },
): GrantSpec {
  const { actions, caveats, expires, delegable } = grant
  const refuse = (why: string): CliError =>
    new CliError(
      CLI_CODES.config,
      `The grant "${plain(setting.name)}" of ${CONFIG_NAME}: ${plain(why)}`,
    )
  const expiry = expires === undefined ? undefined : parseExpiry(expires, setting.now)
  if (expiry !== undefined && 'fault' in expiry) throw refuse(expiry.fault)
  const odd = caveats?.map(caveatFault).find((fault) => fault !== undefined)
  if (odd !== undefined) throw refuse(odd)
  const resource = resourceOf(grant.resource as Resource, setting.folder)
  if (typeof resource === 'string') throw refuse(resource)
  return {
    actions,
    resource,
    ...(caveats === undefined ? {} : { caveats: caveats as readonly Caveat[] }),
    ...(expiry === undefined ? {} : { expiresAt: expiry.at as Timestamp }),
    ...(delegable === undefined ? {} : { delegable }),
  }
}

/** Places on this machine are relative to the configuration; other kinds are taken as they are. */
function resourceOf(resource: Resource, folder: string): Resource | string {
  if (resource.kind === 'fs') return filesOf(resource, folder)
  return resource.kind === 'proc' ? programsOf(resource, folder) : resource
}

function filesOf(resource: Resource, folder: string): Resource | string {
  const { root } = resource as { readonly root?: unknown }
  if (typeof root !== 'string') return resource
  const found = folderProbe(folder)(root)
  if ('fault' in found) return found.fault
  if (found.file === undefined) return { ...resource, root: found.root }
  if ('within' in resource) return `${root} is a file, and "within" is for folders`
  return { ...resource, root: found.root, within: [found.file] }
}

function programsOf(resource: Resource, folder: string): Resource | string {
  const { root } = resource as { readonly root?: unknown }
  if (typeof root !== 'string') return resource
  const found = folderProbe(folder)(root)
  if ('fault' in found) return found.fault
  return found.file === undefined
    ? { ...resource, root: found.root }
    : `${root} is a file, and programs are started in folders`
}
