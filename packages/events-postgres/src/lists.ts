/**
 * Lists on their way to the server.
 *
 * Those of texts travel as one text with a line for each value, not as arrays, whose every quote
 * and backslash would have to be escaped: canonical JSON, ids and hashes have no control
 * characters.
 */

/** A parameter that holds a list of texts, as SQL. */
export const lines = (parameter: number): string => `string_to_array($${parameter}, E'\\n')`

/** `{1,2,3}`: what the server reads as an array of numbers. */
export function numbers(values: readonly number[]): string {
  return `{${values.join()}}`
}

/** A list of texts without control characters, as one. */
export function textLines(values: readonly string[]): string {
  return values.join('\n')
}
