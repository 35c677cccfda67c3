/**
 * Quotations of a prompt: what the user set apart as a name, or as words that are not a request.
 *
 * The trap: `what's` and `friends'` open and close nothing. A mark opens only after a space or a
 * bracket and before what is no space, and closes only before the end of a word.
 */
import type { Span } from './words.ts'

/** What stands between two marks. */
export interface Quote extends Span {
  /** Without its marks, and without a full stop that belongs to the sentence. */
  readonly text: string
}

const PAIRS = [
  ['```', '```'],
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
  if (pair === undefined || !/^$|[\s([{:=,>]/.test(text.slice(Math.max(0, at - 1), at))) {
    return undefined
  }
  const [open, close] = pair
  const from = at + open.length
  const isBlock = open === '```'
  if (!isBlock && /^(?:$|\s)/.test(text.slice(from, from + 1))) return undefined
  for (let end = text.indexOf(close, from + 1); end !== -1; end = text.indexOf(close, end + 1)) {
    const within = text.slice(from, end)
    if (!isBlock && within.includes('\n\n')) return undefined
    const after = text.slice(end + close.length, end + close.length + 1)
    const isEnd = isBlock || (/^(?:$|[\s.,;:!?)\]}])/.test(after) && !/\s$/.test(within))
    if (isEnd) return { start: at, end: end + close.length, text: within }
  }
  return undefined
}
