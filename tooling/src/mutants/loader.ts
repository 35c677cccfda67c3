/**
 * Loads tests and what they test anew for each mutant, within one process.
 *
 *     test/decide.test.ts?mutant=7 ──► src/decide.ts?mutant=7, test/world.ts?mutant=7, …
 *
 * A module is known by its address, so another query makes another module: what a source computes
 * when it is loaded, and what it remembers, is of this mutant alone. What lies outside the package
 * is loaded once.
 */
import { readFileSync } from 'node:fs'
import {
  type LoadHookContext,
  type ResolveHookContext,
  registerHooks,
  stripTypeScriptTypes,
} from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

export interface LoaderInit {
  /** Where what is loaded anew lies: a path with a slash at its end. */
  readonly folder: string
  /** Where `@ice/tooling/…` lies. */
  readonly tooling: string
  /** Sources with their mutants compiled in, by path. */
  readonly texts: ReadonlyMap<string, string>
}

const SUITE = new URL('./suite.ts', import.meta.url).href
const QUERY = '?mutant='

/** Takes over how modules are found, for the rest of this process. */
export function installLoader({ folder, tooling, texts }: LoaderInit): void {
  const inside = pathToFileURL(folder).href
  const loaded = new Map<string, string>()
  registerHooks({
    resolve(specifier: string, context: ResolveHookContext, next) {
      const query = queryOf(context.parentURL)
      if (query === '') return next(specifier, context)
      if (specifier === 'vitest') return { url: SUITE, shortCircuit: true }
      const name = /^@ice\/tooling\/(.*)$/.exec(specifier)?.[1]
      if (name !== undefined) return next(`${pathToFileURL(tooling).href}${name}.ts`, context)
      const found = next(specifier, context)
      const isOurs = found.url.startsWith(inside) && !found.url.includes('/node_modules/')
      return isOurs && found.url.endsWith('.ts') ? { ...found, url: found.url + query } : found
    },
    load(url: string, context: LoadHookContext, next) {
      if (queryOf(url) === '') return next(url, context)
      const path = fileURLToPath(url.slice(0, url.indexOf(QUERY)))
      let source = loaded.get(path)
      if (source === undefined) {
        source = stripTypeScriptTypes(texts.get(path) ?? readFileSync(path, 'utf8'))
        loaded.set(path, source)
      }
      return { format: 'module', source, shortCircuit: true }
    },
  })
}

function queryOf(url: string | undefined): string {
  const at = url?.indexOf(QUERY) ?? -1
  return at < 0 ? '' : (url?.slice(at) ?? '')
}

/** Loads a file of tests for a mutant. */
export async function loadAnew(path: string, generation: string): Promise<void> {
  await import(`${pathToFileURL(path).href}${QUERY}${generation}`)
}
