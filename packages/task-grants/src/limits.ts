/** Every bound of this package, with its unit and its reason. */

/** @units UTF-16 characters of a prompt: far more than a person types; reading it is linear. */
export const PROMPT_CHARS_MAX: number = 32_768

/** @units tools of a task: grants of one task stay below what one refresh reads at ease. */
export const TOOLS_MAX: number = 256

/** @units parameters of a tool: what the arguments schema of a caveat and its paths may hold. */
export const PARAMETERS_MAX: number = 64

/** @units characters of a tool's name, of a parameter's name and of a description that are read. */
export const TOOL_TEXT_CHARS_MAX: number = 4_096

/** @units characters of a value that a prompt may name; a longer one is content. */
export const NAMED_CHARS_MAX: number = 2_048

/** @units addresses a prompt or a call may mention: what one claim may hold is 256 values. */
export const MENTIONS_MAX: number = 128

/** @units values of the arguments of a call, containers counted, and levels of containers. */
export const ARGUMENT_NODES_MAX: number = 10_000
export const ARGUMENT_DEPTH_MAX: number = 16

/** @units digits in a row that designate something: an account, a telephone; a year does not. */
export const DIGITS_DESIGNATE_MIN: number = 8

/** @units characters of one text of a call that is looked through for mentions. */
export const READ_CHARS_MAX: number = 65_536

/** @units uses of a grant that a request of the prompt gives, however little it names. */
export const COUNT_FLOOR: number = 1
