/**
 * The part of TOML that manifests declare dependencies in: tables, and keys with a text, an inline
 * table or a list of texts. Lenient: what is not understood is passed over, never an error.
 *
 * Not a TOML reader. Dates, multi-line texts and arrays of tables mean nothing to it.
 */

import { LINE_CHARACTERS_MAX, VALUE_LINES_MAX } from './limits.ts'

/** A value: a text without its quotes, a list of texts, or the source of an inline table. */
export type TomlValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly texts: readonly string[] }
  | { readonly kind: 'table'; readonly source: string }
  | { readonly kind: 'other' }

/** A longer line is no line a person wrote: looking for quotes in it could take minutes. */
function isLong(line: string): boolean {
  return line.length > LINE_CHARACTERS_MAX
}

/** One `key = value`, with the table it stands in. */
export interface TomlEntry {
  /** `tool.poetry.dependencies`; empty at the top. */
  readonly table: string
  readonly key: string
  readonly value: TomlValue
}

const HEADER = /^\s*\[([^[\]]+)\]\s*(?:#.*)?$/
const ENTRY = /^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_.-]+)\s*=\s*(.*)$/
const TEXT = /"((?:[^"\\]|\\.)*)"|'([^']*)'/g

/** The entries of a text, in order. Pure and total; time grows with the text and no faster. */
export function* tomlEntries(source: string): Generator<TomlEntry> {
  let table = ''
  const lines = source.split(/\r?\n/).map((line) => (isLong(line) ? '' : line))
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const header = HEADER.exec(line)?.[1]
    if (header !== undefined) {
      table = header
        .split('.')
        .map((part) => part.replaceAll(/["']/g, '').trim())
        .join('.')
      continue
    }
    const entry = ENTRY.exec(line)
    if (entry === null) continue
    const raw = [entry[2] ?? '']
    // A list, or a table, may go on over the next lines.
    let open = /^[[{]/.test(raw[0] ?? '') ? openBrackets(raw[0] ?? '') : 0
    while (open > 0 && at + 1 < lines.length && raw.length < VALUE_LINES_MAX) {
      at += 1
      raw.push(lines[at] ?? '')
      open += openBrackets(lines[at] ?? '')
    }
    yield { table, key: (entry[1] ?? '').replaceAll(/["']/g, ''), value: tomlValue(raw.join('\n')) }
  }
}

/** Text of a key in an inline table: `version` of `{ version = "1", optional = true }`. */
export function inlineText(source: string, key: string): string | undefined {
  const found = new RegExp(`(?:^|[{,\\s])${key}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(source)
  return found?.[1] ?? found?.[2]
}

/** The texts in a source, without their quotes; comments are no texts. */
export function textsIn(source: string): readonly string[] {
  return [...withoutComments(source).matchAll(TEXT)].map((match) => match[1] ?? match[2] ?? '')
}

function tomlValue(raw: string): TomlValue {
  if (raw.startsWith('[')) return { kind: 'list', texts: textsIn(raw) }
  if (raw.startsWith('{')) return { kind: 'table', source: raw }
  if (/^(["'])\1\1/.test(raw)) return { kind: 'other' }
  const [text] = /^["']/.test(raw) ? textsIn(raw) : []
  return text === undefined ? { kind: 'other' } : { kind: 'text', text }
}

/** Brackets a line opens and does not close. */
function openBrackets(line: string): number {
  let open = 0
  for (const character of withoutComments(line).replaceAll(TEXT, '')) {
    if (character === '[' || character === '{') open += 1
    else if (character === ']' || character === '}') open -= 1
  }
  return open
}

function withoutComments(source: string): string {
  return source.replaceAll(/("(?:[^"\\\n]|\\.)*"|'[^'\n]*')|#[^\n]*/g, (_all, text) => text ?? '')
}
