/**
 * Names of files as text: every name that a filesystem can hold has exactly one spelling.
 *
 *     spelling = *( character / escape )
 *     escape   = "%x" 2( DIGIT / %x61-66 )         ; one byte
 *
 * A byte is escaped when it belongs to no valid UTF-8, or is a backslash, or is the `%` of text
 * that would read as an escape. Nothing else is. So `100%.txt` and `a%20b` are spelled as they
 * are, `caf\xe9` in Latin-1 is `caf%xe9`, and a file that is really called `%xe9` is `%x25xe9`.
 *
 * 1. `nameBytes(nameText(bytes))` are the same bytes, whatever they are.
 * 2. A spelling that `nameText` would not give is refused: prefixes of a grant are compared as
 *    text, and a second spelling of a name would compare as another name.
 * 3. A spelling is well-formed Unicode, so it can stand in an event.
 *
 * The trap: decoding with a replacement character, which makes two files one and neither can be
 * opened.
 */

import { Buffer, isUtf8 } from 'node:buffer'

const ESCAPE = /%x[0-9a-f]{2}/
const ESCAPES = /%x([0-9a-f]{2})/g
const LITERAL = /%(?=x[0-9a-f]{2})|\\/g

/** Spells a name. Total. */
export function nameText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isUtf8(buffer)) return literal(buffer.toString('utf8'))
  let text = ''
  let start = 0
  let at = 0
  while (at < buffer.length) {
    const length = characterBytes(buffer, at)
    if (length > 0) {
      at += length
      continue
    }
    text += literal(buffer.toString('utf8', start, at)) + escaped(buffer[at] ?? 0)
    at += 1
    start = at
  }
  return text + literal(buffer.toString('utf8', start))
}

/** The bytes of a name, or `undefined` when it is not spelled as `nameText` spells it. */
export function nameBytes(text: string): Buffer | undefined {
  if (!ESCAPE.test(text)) return text.includes('\\') ? undefined : Buffer.from(text, 'utf8')
  const pieces: Buffer[] = []
  let end = 0
  for (const found of text.matchAll(ESCAPES)) {
    const [all, digits = ''] = found
    pieces.push(Buffer.from(text.slice(end, found.index), 'utf8'), Buffer.from(digits, 'hex'))
    end = found.index + all.length
  }
  const bytes = Buffer.concat([...pieces, Buffer.from(text.slice(end), 'utf8')])
  return nameText(bytes) === text ? bytes : undefined
}

/** Whether a spelling is also what the system calls the file. */
export function isLiteral(text: string): boolean {
  return !ESCAPE.test(text)
}

function literal(text: string): string {
  return text.replace(LITERAL, (character) => (character === '%' ? '%x25' : '%x5c'))
}

function escaped(byte: number): string {
  return `%x${byte.toString(16).padStart(2, '0')}`
}

/** Bytes of the UTF-8 character that begins at `at`; 0 when none does. */
function characterBytes(buffer: Buffer, at: number): number {
  const lead = buffer[at] ?? 0
  if (lead < 0x80) return 1
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  return isUtf8(buffer.subarray(at, at + length)) && at + length <= buffer.length ? length : 0
}
