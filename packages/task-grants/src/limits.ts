/** Every bound of this package, with its unit and its reason. */

/** @units UTF-16 characters of a prompt: far more than a person types; reading it is linear. */
export const PROMPT_CHARS_MAX: number = 32_768

/** @units tools of a task: grants of one task stay below what one refresh reads at ease. */
export const TOOLS_MAX: number = 256

/** @units parameters of a tool: a request labels at most 64 pointers, the whole among them. */
export const PARAMETERS_MAX: number = 60

/** @units JSON pointers of one caveat `trusted`; more go into a second one. */
export const CAVEAT_PATHS_MAX: number = 32

/** @units characters of the name of a tool or a parameter: each stands in several grants. */
export const NAME_CHARS_MAX: number = 128

/** @units characters of a tool's description. */
export const DESCRIPTION_CHARS_MAX: number = 16_384

/** @units characters of a value that a prompt may name; a longer one is content. */
export const NAMED_CHARS_MAX: number = 2_048

/** @units entries of a list that is named by a prompt; no person names more one by one. */
export const NAMED_ITEMS_MAX: number = 256

/** @units places of one value in a prompt that are looked at; bounds the work of a hostile one. */
export const OCCURRENCES_MAX: number = 64

/** @units addresses a prompt or a call may mention: what one claim may hold is 256 values. */
export const MENTIONS_MAX: number = 128

/** @units characters of one address; what is longer is cut, and then named by nothing. */
export const MENTION_CHARS_MAX: number = 1_024

/** @units characters of all addresses of a prompt: they stand in each grant a request gives. */
export const MENTIONS_CHARS_MAX: number = 4_096

/** @units values of the arguments of a call, containers counted, and levels of containers. */
export const ARGUMENT_NODES_MAX: number = 10_000
export const ARGUMENT_DEPTH_MAX: number = 16

/** @units digits in a row that designate something: an account, a telephone; a year does not. */
export const DIGITS_DESIGNATE_MIN: number = 8

/** @units characters of one text of a call that is looked through for mentions. */
export const READ_CHARS_MAX: number = 65_536

/** @units uses of a grant that a request of the prompt gives, however little it names. */
export const COUNT_FLOOR: number = 1

/** @units characters of a time; what is longer is prose. */
export const TIME_CHARS_MAX: number = 64
