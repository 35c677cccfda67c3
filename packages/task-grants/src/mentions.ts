/**
 * Mentions: addresses that a text carries, by their form. Links, e-mail addresses, hosts and file
 * names, account numbers, long numbers, handles.
 *
 * Words can be read by who receives them; a mention leads somewhere. So text that an agent wrote
 * may say what it wants, and mention only what the prompt does.
 *
 * The traps: a dot of another script is a dot to a browser, so text is folded (NFKC) and loses what
 * nobody sees before it is looked at; and a part of an address is another address, so each is taken
 * as a whole.
 */
import { DIGITS_DESIGNATE_MIN, MENTION_CHARS_MAX } from './limits.ts'
import type { Span } from './words.ts'

/** An address in a text. */
export interface Mention extends Span {
  /** As it is compared: folded, without scheme of the web and without a slash at its end. */
  readonly form: string
}

// Each form begins where nothing of it can stand before: a scan is linear in the text.
const SCHEME = /(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,30}:\/\/[^\s<>"'`]+/giu
const ADDRESS = /(?<![^\s<>"'`(),;:@])[^\s<>"'`(),;:@]+@[\p{L}\p{N}][\p{L}\p{N}.-]*/giu
const PATH = /(?<![^\s<>"'`(),;:=])(?:~|\.{1,2})?\/[^\s<>"'`(),;]+/giu
const RELATIVE = new RegExp(
  String.raw`(?<![^\s<>"'${'`'}(),;:=])[\p{L}\p{N}_-]+\/(?:[\p{L}\p{N}_-]+\/)*` +
    String.raw`[\p{L}\p{N}_.-]*\.\p{L}[\p{L}\p{N}]*`,
  'giu',
)
/** The last label begins with a letter; a port, a path, a query and a fragment may follow. */
const DOTTED = new RegExp(
  String.raw`(?<![\p{L}\p{N}_-]\.?)[\p{L}\p{N}_][\p{L}\p{N}_-]*(?:\.[\p{L}\p{N}_-]+)*` +
    String.raw`\.\p{L}[\p{L}\p{N}-]+(?::\d+)?(?:[/?#][^\s<>"'${'`'}]*)?`,
  'giu',
)
const ACCOUNT =
  /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![\p{L}\p{N}])/gu
const CODE =
  /(?<![\p{L}\p{N}])(?=\d{0,60}[A-Z])(?=[A-Z]{0,4}\d)[A-Z]{0,4}\d[A-Z0-9]{10,60}(?![\p{L}\p{N}])/giu
const DIGITS = /(?<![\p{L}\p{N}.])\+?\d(?:[ ().\-/]{0,2}\d){7,}(?![\p{L}\p{N}])/giu
const HANDLE = /(?<![\p{L}\p{N}.@#])[@#][\p{L}_][\p{L}\p{N}_.-]*/giu

const FORMS = [SCHEME, ADDRESS, PATH, RELATIVE, DOTTED, ACCOUNT, CODE, DIGITS, HANDLE] as const

const UNSEEN = /[\p{Cf}\p{Cc}\p{Default_Ignorable_Code_Point}]/gu
const FULL_STOPS = /[\u3002\uff0e\uff61\u2024\ufe52]/gu

/** Text as mentions are looked for in it. Keeps line ends. */
export function folded(text: string): string {
  return text
    .replaceAll(FULL_STOPS, '.')
    .normalize('NFKC')
    .replaceAll(UNSEEN, (unseen) => (/\s/u.test(unseen) ? ' ' : ''))
}

/** The mentions of a folded text, in order, none within another. */
export function mentionsOf(text: string): readonly Mention[] {
  const found: Mention[] = []
  const taken = new Uint8Array(text.length)
  for (const form of FORMS) {
    for (const match of text.matchAll(form)) {
      const whole = trimmed(match[0])
      const [start, end] = [match.index, match.index + whole.length]
      if (isTooShort(form, whole) || taken.subarray(start, end).includes(1)) continue
      taken.fill(1, start, end)
      found.push({ start, end, form: formOf(whole) })
    }
  }
  return found.sort((a, b) => a.start - b.start)
}

/** Whether a form was too long: it equals no other, for what was cut may differ. */
export function isCut(form: string): boolean {
  return form.endsWith(CUT)
}

const CUT = '…'

/** A single address as it is compared, or `undefined` when the value is none as a whole. */
export function mentionForm(value: string): string | undefined {
  const [first, ...more] = mentionsOf(value)
  const isWhole = first?.start === 0 && first.end === value.length && more.length === 0
  return isWhole ? first.form : undefined
}

/** A number is long by its digits; an ISO date is none, and a time neither. */
function isTooShort(form: RegExp, found: string): boolean {
  if (form !== DIGITS) return false
  if (/^\d{4}-\d{2}-\d{2}(?:\D|$)/.test(found)) return found.replaceAll(/\D/g, '').length <= 14
  return found.replaceAll(/\D/g, '').length < DIGITS_DESIGNATE_MIN
}

/** What ends a sentence does not belong to the address before it. */
function trimmed(found: string): string {
  let end = found.length
  while (end > 0 && '.,;:!?)]}>*_'.includes(found.charAt(end - 1))) end -= 1
  return found.slice(0, end)
}

function formOf(found: string): string {
  const form = compared(found)
  return form.length <= MENTION_CHARS_MAX ? form : `${form.slice(0, MENTION_CHARS_MAX - 1)}${CUT}`
}

function compared(found: string): string {
  const form = found.replace(/^https?:\/\//i, '').replace(/\/$/, '')
  if (/^[A-Z]{2}\d{2}[A-Z0-9 ]+$/i.test(form)) return form.replaceAll(' ', '').toUpperCase()
  if (/^\+?[\d ().\-/]+$/.test(form)) return form.replaceAll(/[ ().\-/]/g, '')
  const cut = form.search(/[/?#]/)
  if (form.includes('@') && cut === -1) return form.toLowerCase()
  // What is known to be a host is one whatever its case; a path, and a file, is not.
  if (form === found && !/^www\./i.test(form)) return form
  return cut === -1 ? form.toLowerCase() : `${form.slice(0, cut).toLowerCase()}${form.slice(cut)}`
}
