/** No file needs, at run time, a file that needs it. */
import { neighbours } from '../graph.ts'
import type { House } from '../house.ts'
import type { Finding, Rule } from '../rule.ts'

/** The first cycle through each file that closes one, found depth first. */
const findCycles = (house: House): readonly (readonly string[])[] => {
  const done = new Set<string>()
  const trail: string[] = []
  const cycles: (readonly string[])[] = []
  const walk = (path: string): void => {
    const at = trail.indexOf(path)
    if (at >= 0) cycles.push(trail.slice(at))
    const file = house.source(path)
    if (at >= 0 || done.has(path) || file === undefined) return
    trail.push(path)
    for (const next of neighbours(house, file, 'values')) walk(next)
    trail.pop()
    done.add(path)
  }
  for (const { path } of house.sources) walk(path)
  return cycles
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Types may refer to each other: they are gone before anything is loaded. */
export const cycles: Rule = {
  id: 'cycles',
  reason:
    'In a cycle the order of loading decides what is undefined, and no file can be read alone.',
  check: (house): readonly Finding[] =>
    findCycles(house).map((cycle) => {
      const names = [...cycle, ...cycle.slice(0, 1)].map(nameOf).join(' -> ')
      const message = `${names}: move what both need into a file of its own`
      return { path: cycle[0] ?? '', line: 1, message }
    }),
}
