/**
 * Quotations of a prompt: what the user set apart as a name, or as words that are not a request.
 *
 * The trap: `what's` and `friends'` open and close nothing. A mark opens only after a space or a
 * bracket and before what is no space, and closes only before the end of a word.
 */
import { NAMED_CHARS_MAX } from './limits.ts'
import type { Span } from './words.ts'

/** What stands between two marks. */
export interface Quote extends Span {
  /** Without its marks, and without a full stop that belongs to the sentence. */
  readonly text: string
}

const BLOCK = '```'

const PAIRS = [
  [BLOCK, BLOCK],
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
  ['“', '”'],
  ['‘', '’'],
  ['«', '»'],
] as const

/** The quotations of a text, in order; one within another is part of it. */
export function quotesOf(text: string): readonly Quote[] {
  const quotes: Quote[] = []
  for (let at = 0; at < text.length; at += 1) {
    const quote = quoteAt(text, at)
    if (quote === undefined) continue
    quotes.push(quote)
    at = quote.end - 1
  }
  return quotes
}

function quoteAt(text: string, at: number): Quote | undefined {
  const pair = PAIRS.find(([open]) => text.startsWith(open, at))
  if (pair === undefined || !/^$|[\s([{:=,>]/.test(text.charAt(at - 1))) return undefined
  const [open, close] = pair
  const from = at + open.length
  const isBlock = open === BLOCK
  if (!isBlock && isSpace(text, from)) return undefined
  for (let end = text.indexOf(close, from + 1); end !== -1; end = text.indexOf(close, end + 1)) {
    if (!isBlock && end - from > NAMED_CHARS_MAX) return undefined
    if (!isBlock && !closesAt(text, end, close.length)) continue
    const within = text.slice(from, end)
    const runsOn = !isBlock && within.includes('\n\n')
    return runsOn ? undefined : { start: at, end: end + close.length, text: within }
  }
  return undefined
}

function closesAt(text: string, end: number, length: number): boolean {
  return !isSpace(text, end - 1) && ENDS.includes(text.charAt(end + length))
}

// Lists of characters and no patterns: this is asked for each mark after each mark.
const SPACES = ' \t\n\r\u00a0'
const ENDS = `${SPACES}.,;:!?)]}`

/** Also where the text ends. */
function isSpace(text: string, at: number): boolean {
  return SPACES.includes(text.charAt(at))
}
