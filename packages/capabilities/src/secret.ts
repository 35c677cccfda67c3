/**
 * The resource kind `secret`: which secrets an effect may carry, and where to.
 *
 *     resource = { kind: "secret", [names], [prefixes], [origins], [programs] }
 *     names    = [ name, … ]        ; exactly these; see segments.ts
 *     prefixes = [ name, … ]        ; these and what is below; one of the two is there
 *     origins  = [ origin, … ]      ; "https://api.example.com"; left out: no place on the network
 *     programs = [ path, … ]        ; "/usr/bin/git"; left out: no program
 *     claim    = { name, [origin], [program] }
 *
 * 1. The grant of an effect says what may be done, this one what may be taken along. Its `actions`
 *    are those of the effects that may carry a secret: `net.send`, `proc.run`.
 * 2. Where a claim names an origin or a program, the resource has to name it too, exactly. So a run
 *    that may reach two servers cannot give one the other's secret.
 * 3. No pattern, no case folding. A port is written where it is not the usual one of its scheme.
 *
 * The trap: a secret that is authorised by its name alone goes wherever the run may go.
 */
import type { JsonObject } from '@ice/primitives'
import { entriesOf, excess, listsFault, over } from './entries.ts'
import { relativePathFault } from './fs.ts'
import { hostFault } from './net-place.ts'
import { hasOnly, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { isUnder, segmentsFault } from './segments.ts'
import { shown, shownList } from './text.ts'

/** The resource of a grant on secrets. */
export type SecretResource = {
  readonly kind: 'secret'
  /** Exact names. One of `names` and `prefixes` is there. */
  readonly names?: readonly string[]
  /** Names, and everything below them, segment by segment. */
  readonly prefixes?: readonly string[]
  /** Where on the network they may be sent: `https://api.example.com`. @defaultValue nowhere */
  readonly origins?: readonly string[]
  /** Absolute paths of programs they may be given to. @defaultValue none */
  readonly programs?: readonly string[]
}

const ORIGIN = /^(https?):\/\/(\[[^\]/]*\]|[^:/[\]]*)(?::([1-9][0-9]{0,4}))?$/
const USUAL_PORTS: ReadonlyMap<string, number> = new Map([
  ['http', 80],
  ['https', 443],
])

function originFault(origin: unknown): string | undefined {
  const why = `${shown(origin)} is no origin, such as "https://api.example.com"`
  const match = typeof origin === 'string' ? ORIGIN.exec(origin) : null
  if (match === null) return why
  const [, scheme = '', host, port] = match
  if (port !== undefined && (Number(port) > 65_535 || Number(port) === USUAL_PORTS.get(scheme))) {
    return `the port of ${shown(origin)} is none, or the usual one, which is not written`
  }
  return hostFault(host)
}

function programFault(program: unknown): string | undefined {
  if (typeof program !== 'string') return `a program is a path, not ${shown(program)}`
  const root = /^(?:[A-Za-z]:)?\//.exec(program)?.[0]
  if (root === undefined) return `the program ${shown(program)} is no absolute path`
  const rest = program.slice(root.length)
  return rest === '.' ? 'a program is no folder' : relativePathFault(rest, root)
}

const LISTS = [
  ['names', segmentsFault],
  ['prefixes', segmentsFault],
  ['origins', originFault],
  ['programs', programFault],
] as const

function holdsName(resource: Resource, name: string): boolean {
  if (entriesOf(resource, 'names').includes(name)) return true
  return entriesOf(resource, 'prefixes').some((prefix) => isUnder(name, prefix))
}

/** Why a place that a claim names is none of the resource's. */
function placeRefusal(resource: Resource, claim: JsonObject, name: string): string | undefined {
  const what = name === 'origins' ? 'origin' : 'program'
  if (!Object.hasOwn(claim, what)) return undefined
  const place = own(claim, what)
  const held = entriesOf(resource, name)
  if (held.includes(place as string)) return undefined
  const among = held.length === 0 ? 'not held: none is' : `none of ${shownList(held)}`
  return `the ${what} ${shown(place)} is ${among}`
}

/** The kind `secret`; state-less and frozen. */
export const secretKind: ResourceKind = Object.freeze({
  kind: 'secret',

  checkResource(resource: Resource): string | undefined {
    if (!hasOnly(resource, ['kind', ...LISTS.map(([name]) => name)])) {
      return 'a "secret" resource has the members kind, names, prefixes, origins and programs'
    }
    if (!Object.hasOwn(resource, 'names') && !Object.hasOwn(resource, 'prefixes')) {
      return 'a "secret" resource has names or prefixes'
    }
    return listsFault(resource, LISTS)
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    if (!hasOnly(claim, ['name', 'origin', 'program'])) {
      return 'a claim on "secret" is { name } with an origin or a program'
    }
    const name = own(claim, 'name')
    const fault = segmentsFault(name)
    if (fault !== undefined) return fault
    if (!holdsName(resource, name as string)) {
      const held = [...entriesOf(resource, 'names'), ...entriesOf(resource, 'prefixes')]
      return `the secret ${shown(name)} is none of ${shownList(held)}`
    }
    return placeRefusal(resource, claim, 'origins') ?? placeRefusal(resource, claim, 'programs')
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    const prefixes = entriesOf(parent, 'prefixes')
    const isHeld = (prefix: string): boolean => prefixes.some((above) => isUnder(prefix, above))
    return excess([
      ['names', entriesOf(child, 'names').filter((name) => !holdsName(parent, name))],
      ['prefixes', entriesOf(child, 'prefixes').filter((prefix) => !isHeld(prefix))],
      ['origins', over(entriesOf(parent, 'origins'), entriesOf(child, 'origins'))],
      ['programs', over(entriesOf(parent, 'programs'), entriesOf(child, 'programs'))],
    ])
  },
})
