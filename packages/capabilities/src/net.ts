/**
 * The resource kind `net`: requests over HTTP to hosts.
 *
 *     resource = { kind: "net", hosts, [schemes], [ports], [methods], [paths], [addresses] }
 *     claim    = { scheme, host, port, method, path }
 *     schemes  = [ "http" | "https", … ]        ; left out: https
 *     ports    = [ 1 to 65535, … ]              ; left out: the port each scheme has by default
 *     methods  = [ "GET", … ]                   ; left out: GET and HEAD
 *     paths    = [ path, … ]                    ; left out: all; see net-place.ts, also for hosts
 *     addresses                                 ; left out: public ones; see net-address.ts
 *
 * 1. What is left out is the narrowest there is, but for `paths`.
 * 2. Rules are lexical, without patterns, and the same on every machine: nothing is looked up and
 *    no Unicode table is asked. Whoever makes a claim has `new URL` write it first.
 * 3. To which addresses a name leads is known only when it is tried: there the handler asks
 *    `netAddressRefusal` of every link. A host that is an address is judged here already.
 * 4. The query is not judged: a grant that must tell queries apart is one on a tool.
 */
import type { JsonObject } from '@ice/primitives'
import { type EntryFault, listFault, listsFault, over } from './entries.ts'
import { addressesFault, addressesOver, netAddressRefusal } from './net-address.ts'
import {
  ambiguity,
  holdsHost,
  hostFault,
  hostPatternFault,
  isBelow,
  literalOf,
  pathFault,
  prefixFault,
} from './net-place.ts'
import { hasOnly, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { shown, shownList } from './text.ts'

/** The resource of a grant on the network. */
export type NetResource = {
  readonly kind: 'net'
  /** Names, `*.` with a name behind it, addresses, or `*` for every name. */
  readonly hosts: readonly string[]
  /** @defaultValue https */
  readonly schemes?: readonly ('http' | 'https')[]
  /** @defaultValue the port each scheme has by default: 443, 80 */
  readonly ports?: readonly number[]
  /** @defaultValue GET and HEAD */
  readonly methods?: readonly string[]
  /** Prefixes, segment by segment. @defaultValue every path */
  readonly paths?: readonly string[]
  /** `public`, `loopback`, and ranges such as `10.1.0.0/16`. @defaultValue public */
  readonly addresses?: readonly string[]
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

const MEMBERS = ['kind', 'hosts', 'schemes', 'ports', 'methods', 'paths', 'addresses'] as const
const CLAIM = ['scheme', 'host', 'port', 'method', 'path'] as const

const schemeFault: EntryFault = (scheme) =>
  scheme === 'http' || scheme === 'https' ? undefined : `${shown(scheme)} is not http or https`

const methodFault: EntryFault = (method) =>
  METHODS.some((known) => known === method)
    ? undefined
    : `${shown(method)} is none of the methods ${METHODS.join(', ')}`

const portFault: EntryFault = (port) =>
  Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535
    ? undefined
    : 'a port is a number from 1 to 65535'

const ENTRY_FAULTS: readonly (readonly [string, EntryFault])[] = [
  ['schemes', schemeFault],
  ['ports', portFault],
  ['methods', methodFault],
  ['paths', prefixFault],
]

function listOf<T>(resource: Resource, name: string): readonly T[] | undefined {
  return own(resource, name) as readonly T[] | undefined
}

function schemesOf(resource: Resource): readonly string[] {
  return listOf<string>(resource, 'schemes') ?? ['https']
}

function methodsOf(resource: Resource): readonly string[] {
  return listOf<string>(resource, 'methods') ?? ['GET', 'HEAD']
}

/** The ports a resource holds for one of its schemes. */
function portsOf(resource: Resource, scheme: string): readonly number[] {
  return listOf<number>(resource, 'ports') ?? [scheme === 'http' ? 80 : 443]
}

function hostsOf(resource: Resource): readonly string[] {
  return own(resource, 'hosts') as readonly string[]
}

/** A claim that was checked. */
interface Claim {
  readonly scheme: string
  readonly host: string
  readonly port: number
  readonly method: string
  readonly path: string
}

function claimFault(claim: JsonObject): string | undefined {
  if (!hasOnly(claim, CLAIM)) return 'a claim on "net" is { scheme, host, port, method, path }'
  return (
    schemeFault(own(claim, 'scheme')) ??
    hostFault(own(claim, 'host')) ??
    portFault(own(claim, 'port')) ??
    methodFault(own(claim, 'method')) ??
    pathFault(own(claim, 'path'))
  )
}

function hostRefusal(resource: Resource, host: string): string | undefined {
  const hosts = hostsOf(resource)
  if (!hosts.some((entry) => holdsHost(entry, host))) {
    return `the host ${shown(host)} is none of ${shownList(hosts)}`
  }
  const literal = literalOf(host)
  const refusal = literal === undefined ? undefined : netAddressRefusal(resource, literal)
  return refusal === undefined ? undefined : `the host ${shown(host)} is ${refusal}`
}

function pathRefusal(resource: Resource, path: string): string | undefined {
  const paths = listOf<string>(resource, 'paths')
  if (paths === undefined) return undefined
  const fault = ambiguity(path)
  if (fault !== undefined) return fault
  if (paths.some((prefix) => isBelow(path, prefix))) return undefined
  return `the path ${shown(path)} is not within ${shownList(paths)}`
}

function refusal(resource: Resource, claim: Claim): string | undefined {
  const { scheme, host, port, method, path } = claim
  const [schemes, methods] = [schemesOf(resource), methodsOf(resource)]
  if (!schemes.includes(scheme)) return `the scheme ${scheme} is none of ${shownList(schemes)}`
  const refused = hostRefusal(resource, host)
  if (refused !== undefined) return refused
  const ports = portsOf(resource, scheme)
  if (!ports.includes(port)) return `the port ${port} is none of ${ports.slice(0, 8).join(', ')}`
  if (!methods.includes(method)) return `the method ${method} is none of ${shownList(methods)}`
  return pathRefusal(resource, path)
}

function portsOver(parent: Resource, child: Resource): readonly string[] {
  return schemesOf(child).flatMap((scheme) =>
    over(portsOf(parent, scheme), portsOf(child, scheme)).map((port) => `${scheme}:${port}`),
  )
}

function hostsOver(parent: Resource, child: Resource): readonly string[] {
  const held = hostsOf(parent)
  return hostsOf(child).filter((host) => !held.some((entry) => holdsHost(entry, host)))
}

function pathsExcess(parent: Resource, child: Resource): string | undefined {
  const held = listOf<string>(parent, 'paths')
  if (held === undefined) return undefined
  const asked = listOf<string>(child, 'paths')
  if (asked === undefined) return `every path is more than ${shownList(held)}`
  const beyond = asked.filter((path) => !held.some((prefix) => isBelow(path, prefix)))
  return beyond.length === 0 ? undefined : `${shownList(beyond)} is not within ${shownList(held)}`
}

/** The kind `net`; state-less and frozen. */
export const netKind: ResourceKind = Object.freeze({
  kind: 'net',

  checkResource(resource: Resource): string | undefined {
    if (!hasOnly(resource, MEMBERS)) {
      return `a "net" resource has the members ${MEMBERS.join(', ')}`
    }
    const fault = listFault('hosts', own(resource, 'hosts'), hostPatternFault)
    if (fault !== undefined) return fault
    const why = listsFault(resource, ENTRY_FAULTS)
    if (why !== undefined) return why
    const hasAddresses = Object.hasOwn(resource, 'addresses')
    return hasAddresses ? addressesFault(own(resource, 'addresses')) : undefined
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    return claimFault(claim) ?? refusal(resource, claim as unknown as Claim)
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    const excesses: readonly (readonly [string, readonly string[]])[] = [
      ['schemes', over(schemesOf(parent), schemesOf(child))],
      ['hosts', hostsOver(parent, child)],
      ['ports', portsOver(parent, child)],
      ['methods', over(methodsOf(parent), methodsOf(child))],
      ['addresses', addressesOver(parent, child)],
    ]
    const found = excesses.find(([, entries]) => entries.length > 0)
    if (found === undefined) return pathsExcess(parent, child)
    return `the ${found[0]} ${shownList(found[1])} are more than the grant above holds`
  },
})
