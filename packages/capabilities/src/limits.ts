/** Every bound of authority, with its unit and its reason. */

/** @units links from a grant to its root, both counted. Guards of a chain fit into one append. */
export const CHAIN_LINKS_MAX = 32

/** @units streams that an intent under one chain guards: what one append guards. */
export const CHAIN_GUARDS_MAX = 64

/** @units limited links of a chain. A slice of each may have to be drawn in one append, which
 * writes at most 16 streams. */
export const CHAIN_BUDGETS_MAX = 8

/** @units limits of a chain, with those of a standing approval, over all links and units: what an
 * intent's `spends` holds. */
export const BUDGET_LIMITS_MAX = 64

/** @units shares of a purse: every limit of a dozen chains. */
export const PURSE_SHARES_MAX = 1_024

/** @units calls' worth a slice may have: a run that goes on writes the shared stream once for so
 * many calls. */
export const SLICE_CALLS_MAX = 64

/** @units parts of what is left of which a slice is at most one, so that a few runs cannot hold
 * all of it. */
export const SLICE_PARTS_MIN = 64

/** @units runs of which a budget remembers that they hold a slice, the latest. What an older one
 * gives back counts as spent. */
export const BUDGET_HOLDERS_MAX = 1_024

/** @units windows of a rate a budget remembers, the newest: clocks differ by less. Older ones
 * count as spent. */
export const RATE_WINDOWS_MAX = 8

/** @units milliseconds a rate's window has at least: in less an intent may not reach the disk. */
export const RATE_WINDOW_MS_MIN = 1_000

/** @units milliseconds a rate's window has at most: a leap year. */
export const RATE_WINDOW_MS_MAX: number = 366 * 86_400_000

/** @units of a budget, at most: a billion of any currency, and far from where a sum is rounded. */
export const BUDGET_AMOUNT_MAX = 1_000_000_000_000_000

/** @units actions of a grant: what the payload of `CapabilityGranted` holds. */
export const ACTIONS_MAX = 64

/** @units characters of an action, all ASCII: `fs.read`. */
export const ACTION_CHARS_MAX = 128

/** @units caveats of a grant: what the payload of `CapabilityGranted` holds. */
export const CAVEATS_MAX = 32

/** @units characters of the canonical JSON of a grant: half of what fits into an event. */
export const GRANT_CHARS_MAX = 24_576

/** @units uses a count or a rate may allow: far from where a sum would be rounded. */
export const COUNT_USES_MAX = 1_000_000_000_000

/** @units JSON pointers of one caveat on labels. */
export const LABEL_CAVEAT_PATHS_MAX = 32

/** @units readers one caveat includes. */
export const LABEL_CAVEAT_READERS_MAX = 64

/** @units pointers in the data of a denial. */
export const LABEL_PATHS_TOLD_MAX = 2

/** @units sources or readers told of one pointer in a denial. */
export const LABEL_NAMES_TOLD_MAX = 4

/** @units characters told of a pointer, source or reader in a denial. */
export const LABEL_CHARS_TOLD_MAX = 64

/** @units UTF-8 bytes of a path, and of a word of an argument vector: PATH_MAX of Linux. */
export const PATH_BYTES_MAX = 4_096

/** @units UTF-8 bytes of one segment of a path: NAME_MAX of every common filesystem. */
export const PATH_SEGMENT_BYTES_MAX = 255

/** @units prefixes of one `within`, and names of one `tool` resource. */
export const RESOURCE_ENTRIES_MAX = 256

/** @units characters of a tool's name, and of a variable's. */
export const TOOL_NAME_CHARS_MAX = 256

/** @units characters of a name in segments: of a secret, of a space of memory. */
export const NAME_CHARS_MAX = 256

/** @units characters of a model's id, without its provider. */
export const MODEL_ID_CHARS_MAX = 256

/** @units tokens a resource may bound an answer to: far more than any model gives. */
export const OUTPUT_TOKENS_MAX = 1_000_000_000

/** @units characters of a program's name, and of its version. */
export const PROGRAM_NAME_CHARS_MAX = 256

/** @units runs below each other: as many as a chain of grants has links. */
export const SPAWN_DEPTH_MAX = 32

/** @units children of one run. */
export const SPAWN_WIDTH_MAX = 10_000

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

/** @units characters of a message of a denial. */
export const MESSAGE_CHARS_MAX = 768

/** @units characters of a message where the causes of a denial are too many for long ones. */
export const MESSAGE_SHORT_CHARS_MAX = 128

/** @units UTF-8 bytes of the JSON of a denial, at most: half of what fits into an event. */
export const DENIAL_BYTES_MAX = 32_767

/** @units causes of one code told of in a denial, one a link; more are counted. */
export const CAUSE_LINKS_MAX = 3

/** @units principals of one list of approvers: two such lists fit into the event of a question. */
export const APPROVERS_MAX = 32

/** @units milliseconds a question may stay open, or go on after: ten years. */
export const APPROVAL_MS_MAX = 315_576_000_000

/** @units claims, or digests of arguments, that one standing approval names. */
export const STANDING_ENTRIES_MAX = 64

/** @units links of the chain of a standing approval: its guards are beside those of the call. */
export const STANDING_LINKS_MAX = 8

/** @units dead grants remembered, so that a denial can say why; older ones are unknown. */
export const DEAD_GRANTS_MAX = 10_000

/** @units resources and lists of actions of which grants share one copy. */
export const INTERNED_MAX = 1_024

/** @units tries of a command whose append met a conflict, before it gives up. */
export const COMMAND_TRIES_MAX = 8

/** @units grants an authority keeps in memory (about 1 KB each) before it drops all of them; what
 * is still used is read again, a few dozen microseconds for each grant. */
export const CACHED_GRANTS_MAX = 50_000

/** @units places of an argument rule: those that are written one by one, and those of its rest. */
export const ARGUMENT_PLACES_MAX = 128

/** @units streams that the basis of a denial names; an event holds 64. */
export const BASIS_MAX = 64

/** @units calls of one intent: what the event of a batch counts. */
export const REQUEST_CALLS_MAX = 256
