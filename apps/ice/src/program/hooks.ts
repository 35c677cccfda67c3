/**
 * Lets a program file stand anywhere: what it imports of ours is found where the command is.
 *
 * Only what is not found otherwise is looked for here, so a project with its own `@ice/runs` or
 * `zod` keeps it. And a lone `.ts` file, with no manifest that says so, is an ES module.
 */
import nodeModule from 'node:module'
import type { Door } from '../main.ts'

const OURS = /^(?:@ice\/|zod(?:$|\/))/
const NOT_FOUND: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

let installed = false

/** Installs the hooks once. Where Node has none (before 22.15), only what is found is found. */
export function installHooks(door: Pick<Door, 'home' | 'shared'>): void {
  if (installed || typeof nodeModule.registerHooks !== 'function') return
  installed = true
  nodeModule.registerHooks({
    resolve(specifier, context, next) {
      let found: ReturnType<typeof next>
      try {
        found = next(specifier, context)
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined
        if (!OURS.test(specifier) || !NOT_FOUND.has(code)) throw error
        const bundled = door.shared.get(specifier)
        found =
          bundled === undefined
            ? next(specifier, { ...context, parentURL: door.home })
            : next(bundled, context)
      }
      // Where no manifest says what a lone file is, it would be parsed twice, with a warning.
      const isLone = /\.ts(?:$|[?#])/.test(found.url) && (found.format ?? null) === null
      return isLone ? { ...found, format: 'module-typescript' } : found
    },
  })
}
