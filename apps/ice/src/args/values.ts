/** Small values of the command line: whole numbers, sizes, tags, reasons, lists. */
import { CLI_CODES, CliError } from '../errors.ts'
import { TAG_CHARS_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'

/** A whole number of zero or more. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function wholeNumber(text: string, option: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw new CliError(CLI_CODES.usage, `${option} takes a whole number, not "${plain(text)}"`)
}

/** The same for an option of commander. */
export const wholeNumberOf =
  (option: string): ((text: string) => number) =>
  (text) =>
    wholeNumber(text, option)

/** `--priority`: a whole number, or one below zero. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function priority(text: string): number {
  const isBelow = text.startsWith('-')
  const value = wholeNumber(isBelow ? text.slice(1) : text, '--priority')
  return isBelow ? -value : value
}

/**
 * `--reason`: no verb that takes something away acts without one.
 * @param who - who says why, with the verb: `An abort says`
 * @throws `ICE_CLI_USAGE_UNSUPPORTED`
 */
export function saidWhy(
  reason: string | undefined,
  who: string,
  next: readonly string[] = [],
): string {
  if (reason !== undefined && reason !== '') return reason
  throw new CliError(CLI_CODES.usage, `${who} why: --reason <text>`, { next })
}

/** An option that is given again and again, for commander. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

const SIZE = /^(\d{1,12})(B|KB|MB|GB|KiB|MiB|GiB)$/
const SIZE_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/** A size: `500MB`, `2GiB`, `4096B`. @units bytes @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function parseSize(text: string, option: string): number {
  const [, digits = '', unit = ''] = SIZE.exec(text) ?? []
  const bytes = Number(digits) * (SIZE_BYTES[unit] ?? Number.NaN)
  if (digits !== '' && Number.isSafeInteger(bytes)) return bytes
  const message = `${option} takes a size like 500MB, 2GiB or 4096B, not "${plain(text)}"`
  throw new CliError(CLI_CODES.usage, message)
}

/** `k=v` pairs as an object. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function tagsOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  const tags = new Map<string, string>()
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const [key, value] = [pair.slice(0, equals), pair.slice(equals + 1)]
    if (equals < 1 || value.length > TAG_CHARS_MAX || key.length > TAG_CHARS_MAX) {
      const message = `A tag reads key=value, at most ${TAG_CHARS_MAX} characters each`
      throw new CliError(CLI_CODES.usage, `${message}, not "${plain(pair.slice(0, 80))}"`)
    }
    if (tags.has(key)) {
      throw new CliError(CLI_CODES.usage, `The tag "${plain(key)}" was given twice`)
    }
    tags.set(key, value)
  }
  return Object.fromEntries(tags)
}
