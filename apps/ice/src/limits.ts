/** Every bound of the command, with its unit and its reason. */

/** @units bytes of `ice.config.json`: a page or a thousand, and not a data file by mistake. */
export const CONFIG_BYTES_MAX = 1_048_576

/** @units bytes of `--input`: what one blob of the log holds. */
export const INPUT_BYTES_MAX = 16_777_216

/** @units characters of the schema of a log: with `_work` behind it, what PostgreSQL keeps. */
export const SCHEMA_CHARS_MAX = 58

/** @units values in `--input`. */
export const INPUT_NODES_MAX = 2_000_000

/** @units characters of one `--grant`: a thousand names fit, a pasted file does not. */
export const GRANT_CHARS_MAX = 65_536

/** @units characters of the name of a grant: what an event holds. */
export const GRANT_NAME_CHARS_MAX = 512

/** @units characters of a prefix of an id: fewer would be chance. */
export const PREFIX_CHARS_MIN = 4

/** @units characters of a tag's value, and of a key: what an event holds. */
export const TAG_CHARS_MAX = 256

/** @units runs that `ice runs` lists when it is not told how many. */
export const RUNS_SHOWN = 50

/** @units candidates named when a prefix is ambiguous. */
export const CANDIDATES_SHOWN = 5

/** @units milliseconds between two redraws of the progress line. */
export const PROGRESS_INTERVAL_MS = 80

/** @units characters of a value shown beside an event, where there is no terminal to fill. */
export const SUMMARY_CHARS_MAX = 160

/** @units levels of causes that `why` follows. */
export const CAUSE_DEPTH_MAX = 8

/** @units causes that `why` tells of in all. */
export const CAUSES_MAX = 64

/** @units milliseconds: what a timer of the host can wait for. */
export const EXPIRY_MS_MAX = 315_360_000_000

/** @units grants that `ice grants` shows a person when it is not told how many. */
export const GRANTS_SHOWN = 1_000

/** @units levels by which a tree is indented: a chain has 32 links. */
export const INDENTS_MAX = 32

/** @units bytes of an exported history that is held in memory; a larger one is imported first. */
export const HISTORY_BYTES_MAX = 268_435_456

/** @units events behind an abort that are looked through: what is undone comes after it. */
export const ENDING_EVENTS_MAX = 4_096

/** @units bytes of a free word in `args` of a grant on programs: what a path has. */
export const FREE_WORD_BYTES_DEFAULT = 4_096

/** @units `--label`, `--reader` and `--hold`, each: what the input of a run has labels for. */
export const INPUT_MARKS_MAX = 64

/** @units milliseconds after which a worker whose loop does not come around is taken for stuck. */
export const QUIET_MS_MAX = 30_000

/** @units connections to the answers about a worker's health. */
export const HEALTH_CONNECTIONS_MAX = 64

/** @units runs that a verb on all that fit looks at in one step. */
export const RUN_PAGE = 500

/** @units runs that a verb on all that fit shows a person; as JSON all of them. */
export const RUNS_LISTED = 50

/** @units queues that metrics tell one by one: each is six lines for whoever keeps them. */
export const METRIC_QUEUES_MAX = 100
