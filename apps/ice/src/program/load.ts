/** From a file to the program it exports. */
import { existsSync, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ResourceKind } from '@ice/capabilities/ports'
import type { EventType } from '@ice/events'
import type { EffectHandler, Program } from '@ice/runs/ports'
import { CLI_CODES, CliError } from '../errors.ts'
import type { Invocation } from '../invocation.ts'
import { plain } from '../terminal/text.ts'
import { installHooks } from './hooks.ts'

const TYPESCRIPT: ReadonlySet<string> = new Set(['.ts', '.mts', '.cts'])
const JAVASCRIPT: ReadonlySet<string> = new Set(['.js', '.mjs', '.cjs'])

/** What a program's file may bring along for it, as exports of these names. */
export interface ProgramParts {
  /** Handlers for effects of its own. */
  readonly effects: readonly EffectHandler[]
  /** Event types of its own. */
  readonly types: readonly EventType[]
  /** Kinds of resources of its own. */
  readonly kinds: readonly ResourceKind[]
}

/** What a program has that brings nothing along. */
export const NO_PARTS: ProgramParts = { effects: [], types: [], kinds: [] }

/** A program and what came with it. */
export interface LoadedProgram {
  readonly program: Program
  readonly parts: ProgramParts
}

/** Where a program is looked for, and what it needs of ours. */
export type Place = Pick<Invocation, 'cwd' | 'door'>

/** Whether a word names a file and not a program. */
export function looksLikeFile(word: string): boolean {
  const { path } = partAtHash(word)
  if (/[/\\]/.test(path)) return true
  return TYPESCRIPT.has(extname(path)) || JAVASCRIPT.has(extname(path))
}

/** `file.ts#name` is the export `name` of `file.ts`. */
function partAtHash(word: string): { readonly path: string; readonly exported?: string } {
  const hash = word.lastIndexOf('#')
  if (hash < 1 || existsSync(word)) return { path: word }
  return { path: word.slice(0, hash), exported: word.slice(hash + 1) }
}

/**
 * Loads a program.
 *
 * @param word - a path, relative to `place.cwd`; `#name` at its end chooses an export
 * @throws `ICE_CLI_PROGRAM_NOT_FOUND`, `ICE_CLI_PROGRAM_UNSUPPORTED`,
 * `ICE_CLI_TYPESCRIPT_UNSUPPORTED`, `ICE_CLI_AMBIGUOUS_UNSUPPORTED`
 */
export async function loadProgramFile(word: string, place: Place): Promise<LoadedProgram> {
  const { path, exported } = partAtHash(resolve(place.cwd, word))
  const module = await loadModule(path, place)
  return { program: chooseExport(module, path, exported), parts: partsOf(module, path) }
}

/** Loads all programs that a file exports, each once. @throws as `loadProgramFile` */
export async function loadProgramsOf(
  word: string,
  place: Place,
): Promise<{ readonly programs: readonly Program[]; readonly parts: ProgramParts }> {
  const path = resolve(place.cwd, word)
  const module = await loadModule(path, place)
  const exported = Object.values(module).flatMap((value) =>
    Array.isArray(value) ? value : [value],
  )
  const programs = [...new Set(exported.filter(isProgram))]
  if (programs.length > 0) return { programs, parts: partsOf(module, path) }
  throw new CliError(CLI_CODES.program, `${plain(path)} exports no program`, {
    next: ["export const name = defineProgram({ name, version, … }), of '@ice/runs'"],
  })
}

async function loadModule(path: string, place: Place): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new CliError(CLI_CODES.programNotFound, `There is no program file at ${plain(path)}`)
  }
  checkTypescript(path)
  installHooks(place.door)
  return importFile(path)
}

function partsOf(module: Readonly<Record<string, unknown>>, path: string): ProgramParts {
  const list = (name: keyof ProgramParts): readonly unknown[] => {
    const exported = module[name]
    if (exported === undefined) return []
    if (Array.isArray(exported)) return exported
    const message = `${plain(path)} exports "${name}", which is not a list`
    throw new CliError(CLI_CODES.program, message, {
      next: ['effects, types and kinds are what a program brings along, each as a list'],
    })
  }
  return {
    effects: list('effects') as readonly EffectHandler[],
    types: list('types') as readonly EventType[],
    kinds: list('kinds') as readonly ResourceKind[],
  }
}

function checkTypescript(path: string): void {
  const extension = extname(path)
  if (JAVASCRIPT.has(extension)) return
  if (!TYPESCRIPT.has(extension)) {
    const message = `${plain(path)} is no program: one ends in .ts, .mts, .js or .mjs`
    throw new CliError(CLI_CODES.program, message)
  }
  // Set since Node 22.10, and false where types are not stripped.
  const { typescript } = process.features as { readonly typescript?: unknown }
  if (typescript === 'strip' || typescript === 'transform') return
  throw new CliError(
    CLI_CODES.typescript,
    `This Node (${process.version}) does not run TypeScript files by itself`,
    { next: ['use Node 22.18 or later', 'or compile the program to JavaScript first'] },
  )
}

async function importFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    const message = `The program file ${plain(path)} could not be loaded`
    throw new CliError(CLI_CODES.program, message, { cause, next: loadingHints(cause, path) })
  }
}

function loadingHints(error: unknown, path: string): readonly string[] {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    return ['Node strips no types below node_modules: keep the program outside of it']
  }
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return ['Node only strips types: enums, namespaces and parameter properties are not for it']
  }
  if (code === 'ERR_MODULE_NOT_FOUND') return ['install what it imports beside it']
  return [`see what Node says of it: node ${plain(path)}`]
}

/** Whether a value has what a program has. */
export function isProgram(value: unknown): value is Program {
  if (typeof value !== 'object' || value === null) return false
  const { name, version, run, input, output } = value as Partial<Record<keyof Program, unknown>>
  const named = typeof name === 'string' && typeof version === 'string'
  return named && typeof run === 'function' && canParse(input) && canParse(output)
}

function canParse(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  return typeof (schema as { readonly parse?: unknown }).parse === 'function'
}

function chooseExport(
  module: Readonly<Record<string, unknown>>,
  path: string,
  exported: string | undefined,
): Program {
  const programs = new Map(
    Object.entries(module).filter((entry): entry is [string, Program] => isProgram(entry[1])),
  )
  const wanted = exported === undefined ? module['default'] : module[exported]
  if (isProgram(wanted)) return wanted
  const names = [...programs.keys()].filter((name) => name !== 'module.exports')
  const [only] = names
  if (exported === undefined && only !== undefined) {
    const distinct = new Set(names.map((name) => programs.get(name)))
    if (distinct.size === 1) return programs.get(only) as Program
    throw new CliError(CLI_CODES.ambiguous, `${plain(path)} exports several programs`, {
      next: names.map((name) => `${plain(path)}#${plain(name)}`),
    })
  }
  const missing = exported === undefined ? 'a program' : `a program called "${plain(exported)}"`
  throw new CliError(CLI_CODES.program, `${plain(path)} does not export ${missing}`, {
    next: ["export default defineProgram({ name, version, input, output, run }), of '@ice/runs'"],
  })
}
