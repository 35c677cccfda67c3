/** Every bound of a ceiling in Cedar, with its unit and its reason. */

/** @units UTF-8 bytes of policies, schema and entities together: the log keeps them. */
export const POLICY_BYTES_MAX = 524_288

/** @units policies. A decision asks all of them, about 20 microseconds each. */
export const POLICIES_MAX = 1_000

/** @units entities beside those of a request. Cedar reads all of them for each decision. */
export const ENTITIES_MAX = 1_000

/** @units characters of what a request shows Cedar, as JSON: what is larger is refused. */
export const CONTEXT_CHARS_MAX = 65_536

/** @units containers within containers of what a request shows Cedar; its reader takes 128. */
export const CONTEXT_DEPTH_MAX = 32

/** @units characters of what Cedar says about a policy or a request, as it is told on. */
export const TOLD_CHARS_MAX = 256

/** @units faults told of when a ceiling cannot be opened. */
export const FAULTS_TOLD_MAX = 16
