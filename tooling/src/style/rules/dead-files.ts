/** Every source is reached from an entry: an export, a command, a test, an example or a bench. */
import { posix } from 'node:path'
import { neighbours, sourceBehind } from '../graph.ts'
import type { House, Room } from '../house.ts'
import type { Rule } from '../rule.ts'

/** The files a manifest names: what it exports and what it installs as a command. */
const namedBy = ({ folder, manifest }: Room): readonly string[] => {
  const { bin } = manifest
  const commands = typeof bin === 'string' ? [bin] : Object.values(bin ?? {})
  const exported = Object.values(manifest.exports ?? {}).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  return [...commands, ...exported].map((target) => posix.join(folder, target))
}

/** Folders of the tooling whose files are found by being listed. */
const LISTED = /^tooling\/src\/(commands|bench|prove)\/[^/]+\.ts$/

const entries = (house: House): readonly string[] => {
  const named = house.rooms.flatMap(namedBy).flatMap((path) => sourceBehind(house, path) ?? [])
  const listed = house.sources
    .filter((file) => file.area !== 'src' || LISTED.test(file.path))
    .map((file) => file.path)
  return [...named, ...listed]
}

const reachable = (house: House): ReadonlySet<string> => {
  const seen = new Set<string>()
  const open = [...entries(house)]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const file = house.source(path)
    if (seen.has(path) || file === undefined) continue
    seen.add(path)
    open.push(...neighbours(house, file, 'all'))
  }
  return seen
}

/** `new URL('./worker.js', import.meta.url)` counts as an import, a computed path does not. */
export const deadFiles: Rule = {
  id: 'dead-files',
  reason: 'A file that nothing loads is read, kept in step and trusted for nothing.',
  check(house) {
    const seen = reachable(house)
    return house.sources
      .filter((file) => file.area === 'src' && !seen.has(file.path))
      .map(({ path }) => ({
        path,
        line: 1,
        message: 'nothing reaches this file: use it or delete it',
      }))
  },
}
