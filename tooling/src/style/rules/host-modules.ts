/** Node's modules that reach the machine are for L2 and the apps. */
import type { Rule } from '../rule.ts'

/** Modules that compute and do nothing else; the rest reaches files, sockets, time or chance. */
const PURE: ReadonlySet<string> = new Set([
  'node:assert',
  'node:assert/strict',
  'node:async_hooks',
  'node:buffer',
  'node:events',
  'node:string_decoder',
  'node:url',
  'node:util',
])

/** L2 and above the runtime are told apart: only adapters and apps touch the host. */
export const hostModules: Rule = {
  id: 'host-modules',
  reason:
    'Only adapters and apps touch the host, so that everything else runs anywhere and replays.',
  check: (house) =>
    house.sources.flatMap((file) => {
      const layer = house.roomOf(file.path)?.layer
      if (file.area !== 'src' || layer === undefined || layer === 'L2' || layer === 'apps')
        return []
      return file.imports
        .filter(({ specifier }) => specifier.startsWith('node:') && !PURE.has(specifier))
        .map(({ specifier, line }) => ({
          path: file.path,
          line,
          message: `${specifier} in ${layer}: state a port and let an L2 package meet it`,
        }))
    }),
}
