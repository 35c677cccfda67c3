/**
 * Which addresses a grant on the network leads to.
 *
 *     addresses = [ "public" | "loopback" | range, … ]     ; left out: [ "public" ]
 *
 * 1. Public is what is left when everything special is taken away: in v6 only `2000::/3` to begin
 *    with. What is not known to be public is not.
 * 2. A range is held by being named. It lies in one class, so that `0.0.0.0/0` opens nothing.
 * 3. Addresses at which clouds hand out credentials are held only where exactly they are named,
 *    by a range of one address.
 * 4. What spells another address (mapped, 6to4, Teredo, NAT64, `::/96`), and what is no single
 *    machine (unspecified, multicast, broadcast, reserved), is held by no grant.
 *
 * The trap: `::ffff:127.0.0.1` is v6 text and a v4 connection to this machine.
 */
import {
  type Ip,
  type IpRange,
  isInRange,
  isWithinRange,
  onlyAddress,
  overlaps,
  parseIp,
  parseRange,
} from './ip.ts'
import { RESOURCE_ENTRIES_MAX } from './limits.ts'
import { own } from './plain.ts'
import type { Resource } from './ports.ts'
import { shown, shownList } from './text.ts'

/** What an address is; those of `NEVER` are held by no grant. */
export type AddressClass =
  | 'public'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'shared'
  | 'documentation'
  | 'benchmark'
  | 'metadata'
  | 'unspecified'
  | 'multicast'
  | 'reserved'
  | 'embedded'

const NEVER: ReadonlySet<AddressClass> = new Set([
  'unspecified',
  'multicast',
  'reserved',
  'embedded',
])

/** From IANA's registries of special purpose (RFC 6890); the first that holds an address wins. */
const SPECIAL: readonly (readonly [AddressClass, IpRange])[] = (
  [
    ['unspecified', '0.0.0.0/8 ::/128'],
    ['loopback', '127.0.0.0/8 ::1/128'],
    ['private', '10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7'],
    ['link-local', '169.254.0.0/16 fe80::/10'],
    ['shared', '100.64.0.0/10'],
    ['documentation', '192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20'],
    ['benchmark', '198.18.0.0/15 2001:2::/48'],
    ['multicast', '224.0.0.0/4 ff00::/8'],
    ['embedded', '192.88.99.0/24 ::/96 ::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96'],
    ['embedded', '64:ff9b:1::/48 2001::/32 2002::/16'],
    ['reserved', '192.0.0.0/24 240.0.0.0/4 2001::/23'],
    ['reserved', '::/3 4000::/2 8000::/1'],
  ] as const
).flatMap(([name, ranges]) => rangesOf(ranges).map((range) => [name, range] as const))

/** AWS, Azure, Google, Alibaba, Oracle, Tencent: instance data, and what runs beside it. */
const METADATA: readonly IpRange[] = rangesOf(
  '169.254.169.254/32 169.254.170.2/32 169.254.170.23/32 168.63.129.16/32 100.100.100.200/32 ' +
    '192.0.0.192/32 169.254.0.23/32 fd00:ec2::254/128 fd00:ec2::23/128 fd20:ce::254/128',
)

function rangesOf(texts: string): readonly IpRange[] {
  return texts
    .split(' ')
    .map(parseRange)
    .filter((range) => range !== undefined)
}

/** What an address is. Pure and total. */
export function classOf(ip: Ip): AddressClass {
  if (METADATA.some((range) => isInRange(ip, range))) return 'metadata'
  return SPECIAL.find(([, range]) => isInRange(ip, range))?.[0] ?? 'public'
}

/** The class all addresses of a range have, metadata left out; `undefined` when they differ. */
function classOfRange(range: IpRange): AddressClass | undefined {
  const only = onlyAddress(range)
  if (only !== undefined) return classOf(only)
  const meeting = SPECIAL.filter(([, special]) => overlaps(range, special))
  const [first] = meeting
  if (first === undefined) return 'public'
  return isWithinRange(range, first[1]) ? first[0] : undefined
}

/** Why `addresses` of a resource is malformed, or `undefined`. */
export function addressesFault(addresses: unknown): string | undefined {
  if (!Array.isArray(addresses) || addresses.length === 0) {
    return '"addresses" is a list of "public", "loopback" and ranges, not empty'
  }
  if (addresses.length > RESOURCE_ENTRIES_MAX) {
    return `"addresses" has more than ${RESOURCE_ENTRIES_MAX} entries`
  }
  for (const entry of addresses) {
    const fault = entryFault(entry)
    if (fault !== undefined) return fault
  }
  return undefined
}

function entryFault(entry: unknown): string | undefined {
  if (entry === 'public' || entry === 'loopback') return undefined
  const range = typeof entry === 'string' ? parseRange(entry) : undefined
  if (range === undefined) {
    return `${shown(entry)} is neither "public", "loopback" nor a range such as "10.1.0.0/16"`
  }
  const name = classOfRange(range)
  if (name === undefined)
    return `the range ${shown(entry)} is of more than one kind; name its parts`
  return NEVER.has(name) ? `no grant holds ${name} addresses such as ${shown(entry)}` : undefined
}

/** The entries of a checked resource. */
function addressesOf(resource: Resource): readonly string[] {
  return (own(resource, 'addresses') as readonly string[] | undefined) ?? ['public']
}

/**
 * Why a grant on the network does not lead to an address, or `undefined` when it does. Pure.
 *
 * Asked of every link of a chain, before a connection is made.
 *
 * @param address - as text; what is not in the one spelling of an address is refused
 * @returns a reason that names the class of the address, and not the address
 */
export function netAddressRefusal(resource: Resource, address: string): string | undefined {
  const ip = parseIp(address)
  if (ip === undefined) return 'an address that cannot be read'
  const name = classOf(ip)
  const held = addressesOf(resource)
  if (!NEVER.has(name) && held.some((entry) => holds(entry, ip, name))) return undefined
  return `${article(name)} address, and the grant holds ${shownList(held)}`
}

function holds(entry: string, ip: Ip, name: AddressClass): boolean {
  if (entry === 'public' || entry === 'loopback') return entry === name
  const range = parseRange(entry)
  if (range === undefined || !isInRange(ip, range)) return false
  return name !== 'metadata' || onlyAddress(range) !== undefined
}

function article(name: AddressClass): string {
  return /^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`
}

/** The entries of a child that its parent does not hold. */
export function addressesOver(parent: Resource, child: Resource): readonly string[] {
  const held = addressesOf(parent)
  return addressesOf(child).filter((entry) => !held.some((by) => includes(by, entry)))
}

function includes(by: string, entry: string): boolean {
  if (by === entry) return true
  const range = parseRange(entry)
  if (range === undefined) return false
  const name = classOfRange(range)
  if (by === 'public' || by === 'loopback') return by === name
  const outer = parseRange(by)
  return outer !== undefined && name !== 'metadata' && isWithinRange(range, outer)
}
