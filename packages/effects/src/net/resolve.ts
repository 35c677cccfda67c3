/**
 * From a name to addresses that may be connected to.
 *
 * A name is looked up once a call, and all its addresses are checked against every link of the
 * chain before one of them is used. A name with one address that is not held is refused whole:
 * whoever mixes them has a reason.
 *
 * The trap: to look up for the check, and let the connection look up again. A name that rebinds
 * answers the first with a public address and the second with a private one.
 */

import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { netAddressRefusal } from '@ice/capabilities'
import type { Resource } from '@ice/capabilities/ports'
import { errnoOf } from '../errno.ts'
import type { Deadline } from './deadline.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import { ADDRESSES_MAX } from './limits.ts'
import { shownHost, type Target } from './url.ts'

/** Looks names up. */
export interface Resolver {
  /**
   * All addresses of a name, as text, the preferred first.
   *
   * Rejects as `node:dns` does: `ENOTFOUND` and `ENODATA` say that there is no such name, anything
   * else that it could not be found out.
   */
  resolve(name: string): Promise<readonly string[]>
}

/** The resolver of the system, with its `hosts` file. */
export const systemResolver: Resolver = Object.freeze({
  async resolve(name: string): Promise<readonly string[]> {
    const found = await lookup(name, { all: true, order: 'verbatim' })
    return found.map(({ address }) => address)
  },
})

/** What addresses are looked up with and held against. */
export interface Resolution {
  readonly resolver: Resolver
  readonly deadline: Deadline
  readonly resources: readonly Resource[]
  /** What this call has looked up already. */
  readonly known: Map<string, readonly string[]>
}

/**
 * The addresses of a target, every one of them held by every link.
 *
 * @throws {NetworkError} `ICE_EFFECTS_NET_ADDRESS_DENIED`, `…_NAME_NOT_FOUND`, `…_UNAVAILABLE`
 */
export async function checkedAddresses(
  target: Target,
  resolution: Resolution,
): Promise<readonly string[]> {
  const addresses = isIP(target.host) === 0 ? await lookedUp(target, resolution) : [target.host]
  if (addresses.length > ADDRESSES_MAX) {
    throw refused(target, `more than ${ADDRESSES_MAX} addresses`)
  }
  for (const address of addresses) {
    for (const resource of resolution.resources) {
      const refusal = netAddressRefusal(resource, address)
      if (refusal !== undefined) throw refused(target, refusal)
    }
  }
  return addresses
}

function refused(target: Target, why: string): NetworkError {
  const message = `${shownHost(target)} leads to ${why}`
  return new NetworkError(NETWORK_CODES.address, message, { host: target.url.hostname })
}

async function lookedUp(target: Target, resolution: Resolution): Promise<readonly string[]> {
  const { resolver, deadline, known } = resolution
  const before = known.get(target.host)
  if (before !== undefined) return before
  const found = await deadline.bounded(() => asked(target, resolver))
  if (found.length === 0) throw notFound(target)
  known.set(target.host, found)
  return found
}

/** What a resolver says, in words of ours: its own may tell of the network it stands in. */
async function asked(target: Target, resolver: Resolver): Promise<readonly string[]> {
  try {
    return [...(await resolver.resolve(target.host))]
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOTFOUND' || errno === 'ENODATA') throw notFound(target)
    const message = `${shownHost(target)} could not be looked up`
    throw new NetworkError(NETWORK_CODES.unavailable, message, { sent: false })
  }
}

function notFound(target: Target): NetworkError {
  return new NetworkError(NETWORK_CODES.nameNotFound, `${shownHost(target)} is not known`)
}
