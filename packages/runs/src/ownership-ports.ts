/** The port that tells live owners from dead ones: types only. */

import type { OwnerId } from '@ice/primitives'

/** Whether a process that owned runs is still there. */
export type OwnerStatus = 'alive' | 'dead'

/** Tells live owners from dead ones. Coordination state: nothing recorded depends on it alone. */
export interface Ownership {
  /** This process, unique over all processes that ever owned a run of this log. */
  readonly self: OwnerId
  status(owner: OwnerId): Promise<OwnerStatus>
  /**
   * Whether nobody can take this owner for dead now. Asks nobody, and is asked before every act:
   * an owner that is not sure begins none. Once false after `close`, it stays so.
   */
  isSure(): boolean
  close(): Promise<void>
}
