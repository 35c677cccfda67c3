/**
 * Ownership within one process: the reference. Several services in one process, as in tests, are
 * several owners; one that was closed, or that `kill` was called for, is dead to the others.
 */

import type { OwnerId } from '@ice/primitives'
import type { Ownership } from './ports.ts'

/** Owners that can see each other. */
export interface OwnershipGroup {
  join(name: string): Ownership
  /** Makes an owner look as if its process had died. */
  kill(owner: OwnerId): void
}

/** Creates a group of owners that live in this process. */
export function memoryOwnership(): OwnershipGroup {
  const alive = new Set<OwnerId>()
  return {
    join(name) {
      const self = name as OwnerId
      alive.add(self)
      return {
        self,
        status: async (owner) => (alive.has(owner) ? 'alive' : 'dead'),
        isSure: () => alive.has(self),
        close: async () => {
          alive.delete(self)
        },
      }
    },
    kill: (owner) => {
      alive.delete(owner)
    },
  }
}
