/**
 * The direction of the arrows: L0 <- L1 <- L2 <- L3 <- L4 <- apps, in `src` only.
 *
 * 1. Nobody imports from a layer above.
 * 2. L1 siblings share values only through `@ice/events/define`; otherwise they name each other's
 *    types, by `import type … from '@ice/x/ports'`, and only of siblings that stand earlier.
 * 3. L2 and L4 packages know no sibling's values; L4 stands on the runtime's public face.
 */
import type { House, Room } from '../house.ts'
import { height, standsBefore } from '../layers.ts'
import type { Finding, Rule } from '../rule.ts'
import type { ImportEdge } from '../source.ts'

/** Package and entry of one of ours: `@ice/events/define` is `@ice/events` and `define`. */
const ofOurs = (specifier: string): { name: string; entry: string } | undefined => {
  const match = /^(@ice\/[^/]+)(?:\/(.+))?$/.exec(specifier)
  return match?.[1] === undefined ? undefined : { name: match[1], entry: match[2] ?? '.' }
}

interface Arrow {
  readonly from: Room
  readonly to: Room
  readonly entry: string
  readonly isTypeOnly: boolean
}

const amongSiblings = (
  { from, to, entry, isTypeOnly }: Arrow,
  house: House,
): string | undefined => {
  const isPortType = isTypeOnly && entry === 'ports'
  if (from.layer !== 'L1') {
    if (isPortType) return undefined
    const most = `at most \`import type … from '@ice/${to.short}/ports'\``
    return `${from.layer} packages are independent: ${most}`
  }
  if (!standsBefore(house.layers, to.short, from.short)) {
    const turn = `turn the arrow, or say what is needed as a port of ${from.short}`
    return `${to.short} stands after ${from.short} in the order of L1: ${turn}`
  }
  if (isPortType || (to.short === 'events' && entry === 'define')) return undefined
  const values = to.short === 'events' ? "; values come from '@ice/events/define' alone" : ''
  return `among L1 siblings write \`import type … from '@ice/${to.short}/ports'\`${values}`
}

const fromHighAbove = ({ from, to, entry, isTypeOnly }: Arrow): string | undefined => {
  if (from.layer !== 'L4' || to.layer === 'L0' || to.layer === 'L3') return undefined
  const isDeclared = entry === 'define' || (isTypeOnly && entry === 'ports')
  if (to.layer === 'L1' && isDeclared) return undefined
  return "L4 is built on the runtime's public face: import it from '@ice/runtime'"
}

const refusal = (arrow: Arrow, house: House): string | undefined => {
  const { from, to } = arrow
  if (from.layer === undefined || to.layer === undefined) return undefined
  if (height(to.layer) > height(from.layer)) {
    const places = `${from.short} (${from.layer}) stands below ${to.short} (${to.layer})`
    return `${places}: state a port here and let the layer above meet it`
  }
  if (to.layer === from.layer && from.layer !== 'apps') return amongSiblings(arrow, house)
  return fromHighAbove(arrow)
}

const judgeEdge = (from: Room, edge: ImportEdge, house: House): string | undefined => {
  const target = ofOurs(edge.specifier)
  if (target === undefined || target.name === from.manifest.name) return undefined
  const to = house.rooms.find((room) => room.manifest.name === target.name)
  if (to === undefined) return `there is no package ${target.name}`
  return refusal({ from, to, entry: target.entry, isTypeOnly: edge.isTypeOnly }, house)
}

/** Rooms without a layer are found here too, since nothing can be said of their arrows. */
export const direction: Rule = {
  id: 'direction',
  reason: 'A package that knows only what lies below it can be replaced, and installed alone.',
  check(house) {
    const homeless: readonly Finding[] = house.rooms
      .filter((room) => room.layer === undefined)
      .map(({ folder, short }) => ({
        path: `${folder}/package.json`,
        line: 1,
        message: `write ${short} into tooling/layers.json`,
      }))
    const arrows = house.sources.flatMap((file) => {
      const from = house.roomOf(file.path)
      if (from === undefined || file.area !== 'src') return []
      return file.imports.flatMap((edge) => {
        const message = judgeEdge(from, edge, house)
        return message === undefined ? [] : [{ path: file.path, line: edge.line, message }]
      })
    })
    return [...homeless, ...arrows]
  },
}
