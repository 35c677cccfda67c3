/** Every bound of projections, with its unit and its reason. */

/** @units events between two snapshots. Reading a state of 1 MB back costs as much time as folding
 * some 2,000 events: a snapshot pays from about four such loads on. */
export const SNAPSHOT_EVERY_EVENTS = 10_000

/** @units snapshots kept of one key: one to use, and older ones should it not hold. */
export const SNAPSHOTS_KEPT = 4

/** @units snapshots that are tried before the fold begins at zero. */
export const SNAPSHOT_TRIES_MAX = 8

/** @units bytes of a snapshot's state. It is held in memory twice while it is written. */
export const SNAPSHOT_BYTES_MAX: number = 64 * 1_048_576

/** @units values in a snapshot's state: what `canonicalize` takes. */
export const SNAPSHOT_NODES_MAX = 1_000_000

/** @units events whose effects share a transaction: beyond it a commit gains no speed. */
export const PROCESSOR_BATCH_EVENTS = 512

/** @units events without an effect after which a checkpoint is made all the same: what a processor
 * reads again, for nothing, after a crash. */
export const CHECKPOINT_IDLE_EVENTS = 8_192

/** @units events a new version may be behind when it begins to serve. */
export const REBUILD_LAG_EVENTS = 512

/** @units characters of the name or version of a projection, and of an incarnation. */
export const NAME_CHARACTERS_MAX = 200
