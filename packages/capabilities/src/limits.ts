/** Every bound of authority, with its unit and its reason. */

/** @units links from a grant to its root, both counted. Guards of a chain fit into one append. */
export const CHAIN_LINKS_MAX = 32

/** @units counted links of a chain. Each writes a stream, and an append writes at most 16. */
export const CHAIN_COUNTERS_MAX = 8

/** @units actions of a grant: what the payload of `CapabilityGranted` holds. */
export const ACTIONS_MAX = 64

/** @units characters of an action, all ASCII: `fs.read`. */
export const ACTION_CHARS_MAX = 128

/** @units caveats of a grant: what the payload of `CapabilityGranted` holds. */
export const CAVEATS_MAX = 32

/** @units characters of the canonical JSON of a grant: half of what fits into an event. */
export const GRANT_CHARS_MAX = 24_576

/** @units uses a count may allow: far from where a sum of debits would be rounded. */
export const COUNT_USES_MAX = 1_000_000_000_000

/** @units UTF-8 bytes of a path: PATH_MAX of Linux. */
export const PATH_BYTES_MAX = 4_096

/** @units UTF-8 bytes of one segment of a path: NAME_MAX of every common filesystem. */
export const PATH_SEGMENT_BYTES_MAX = 255

/** @units prefixes of one `within`, and names of one `tool` resource. */
export const RESOURCE_ENTRIES_MAX = 256

/** @units characters of a tool's name. */
export const TOOL_NAME_CHARS_MAX = 256

/** @units values of a claim, containers counted. A claim names things, it does not carry them. */
export const CLAIM_NODES_MAX = 256

/** @units containers within containers of a claim. */
export const CLAIM_DEPTH_MAX = 8

/** @units characters of one text of a claim: twice what any kind here accepts. */
export const CLAIM_CHARS_MAX = 8_192

/** @units characters of the canonical JSON of arguments that a caveat or a policy judges. */
export const ARGUMENTS_CHARS_MAX = 1_048_576

/** @units values of arguments that a caveat or a policy judges, containers counted. */
export const ARGUMENTS_NODES_MAX = 16_384

/** @units values of the schema of an `arguments` caveat: more than a grant has room for. */
export const SCHEMA_NODES_MAX = 4_096

/** @units schemas within schemas. Events hold 64 containers within containers. */
export const SCHEMA_DEPTH_MAX = 24

/** @units steps of holding arguments against one schema: some tens of milliseconds. */
export const SCHEMA_STEPS_MAX = 1_000_000

/** @units places told of at which arguments do not fit one schema; each may be long. */
export const MISMATCHES_MAX = 4

/** @units characters of the name of a ceiling. */
export const CEILING_NAME_CHARS_MAX = 128

/** @units characters of the version of a ceiling: what the payload of `PolicyAdopted` holds. */
export const CEILING_VERSION_CHARS_MAX = 64

/** @units UTF-8 bytes of the text of a policy: it is kept in the log, for whoever asks why. */
export const POLICY_TEXT_BYTES_MAX = 1_048_576

/** @units UTF-8 bytes of the text of a policy that its event carries; a longer one is a blob. */
export const POLICY_INLINE_BYTES_MAX = 4_096

/** @units values of the labels of a call that a ceiling is shown. */
export const LABELS_NODES_MAX = 16_384

/** @units characters of a value quoted in a denial, so that a hostile one leaves room. */
export const SHOWN_CHARS_MAX = 120

/** @units entries of a list quoted in a denial. */
export const SHOWN_ENTRIES_MAX = 8

/** @units characters of a reason that a resource kind gives. */
export const REASON_CHARS_MAX = 384

/** @units characters of a message of a denial: all causes together have to fit into an event. */
export const MESSAGE_CHARS_MAX = 768

/** @units causes of one code told of in a denial, one a link; more are counted. */
export const CAUSE_LINKS_MAX = 3

/** @units dead grants remembered, so that a denial can say why; older ones are unknown. */
export const DEAD_GRANTS_MAX = 10_000

/** @units resources and lists of actions of which grants share one copy. */
export const INTERNED_MAX = 1_024

/** @units tries of a command whose append met a conflict, before it gives up. */
export const COMMAND_TRIES_MAX = 8

/** @units grants an authority keeps in memory (about 1 KB each) before it drops all of them; what
 * is still used is read again, a few dozen microseconds for each grant. */
export const CACHED_GRANTS_MAX = 50_000
