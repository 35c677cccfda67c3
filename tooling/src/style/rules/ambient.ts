/**
 * What the machine offers to everybody, and must be handed in instead.
 *
 * In `src` only: tests, benches and examples may look at a clock.
 */
import type { Expression } from 'oxc-parser'
import type { House, Room } from '../house.ts'
import type { Layer } from '../layers.ts'
import type { Finding, Rule } from '../rule.ts'
import type { SourceFile } from '../source.ts'

/** A banned name, where it is banned, and what to say instead. */
interface Ban {
  readonly names: readonly string[]
  readonly instead: string
  readonly layers: readonly Layer[]
}

const deterministic: readonly Layer[] = ['L0', 'L1', 'L3', 'L4']
const allButApps: readonly Layer[] = [...deterministic, 'L2']

const calls: readonly Ban[] = [
  {
    names: ['Date.now', 'performance.now', 'process.hrtime', 'process.hrtime.bigint'],
    instead: '`clock.now()` or `clock.monotonicMs()`',
    layers: deterministic,
  },
  {
    names: ['Math.random', 'randomUUID', 'crypto.randomUUID', 'crypto.getRandomValues'],
    instead: "`random.*`, or `ids.next('run')`",
    layers: deterministic,
  },
  {
    names: ['setTimeout', 'setInterval'],
    instead: '`clock.sleep(ms, { signal })`',
    layers: deterministic,
  },
  {
    names: ['setImmediate'],
    instead: "`settled()` of '@ice/primitives'",
    layers: deterministic,
  },
  { names: ['fetch'], instead: 'an effect: the network is reached from L2', layers: deterministic },
]

const members: readonly Ban[] = [
  { names: ['process.env'], instead: 'an option of the factory', layers: allButApps },
  { names: ['console'], instead: 'the `logger` port', layers: allButApps },
  {
    names: ['process.argv', 'process.cwd', 'process.exit', 'process.on', 'process.pid'],
    instead: 'an option of the factory, or a port',
    layers: deterministic,
  },
]

/** `a.b.c` for a plain chain of names, without a leading `globalThis`. */
const dotted = (node: Expression): string | undefined => {
  if (node.type === 'Identifier') return node.name
  if (node.type !== 'MemberExpression' || node.computed) return undefined
  const object = dotted(node.object)
  const property = node.property.type === 'Identifier' ? node.property.name : undefined
  if (object === undefined || property === undefined) return undefined
  return object === 'globalThis' ? property : `${object}.${property}`
}

const checkFile = (file: SourceFile, layer: Layer): readonly Finding[] => {
  const findings: Finding[] = []
  const find = (name: string, bans: readonly Ban[], offset: number): void => {
    const ban = bans.find((each) => each.names.includes(name) && each.layers.includes(layer))
    if (ban === undefined) return
    const line = file.lineAt(offset)
    findings.push({ path: file.path, line, message: `\`${name}\`: say ${ban.instead}` })
  }
  file.visit({
    CallExpression: (node) => find(dotted(node.callee) ?? '', calls, node.start),
    NewExpression: (node) => {
      const isNow = dotted(node.callee) === 'Date' && node.arguments.length === 0
      if (isNow) find('Date.now', calls, node.start)
    },
    MemberExpression: (node) => {
      find(dotted(node) ?? '', members, node.start)
      if (node.object.type === 'Identifier') find(node.object.name, members, node.start)
    },
  })
  return findings
}

const inRoom = (house: House, room: Room): readonly Finding[] =>
  house.sources
    .filter((file) => file.area === 'src' && house.roomOf(file.path) === room)
    .flatMap((file) => (room.layer === undefined ? [] : checkFile(file, room.layer)))

/** The one file that wraps the machine is among the exemptions. */
export const ambient: Rule = {
  id: 'ambient',
  reason: 'What is handed in can be simulated, replayed and refused; what is ambient cannot.',
  check: (house) => house.rooms.flatMap((room) => inRoom(house, room)),
}
