/**
 * Text on its way to a terminal.
 *
 * The trap: a file may be called `\x1b[2J`, a reason may hold the mark that turns writing around.
 * Whoever lists them must not let them clear the screen, move the cursor over an earlier line, or
 * show `exe.txt` for `txt.exe`. So everything that came from outside goes through `plain`.
 */

/** Controls (C0, DEL, C1), formats and marks of direction, separators, what nobody sees. */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** What JSON leaves as it is, and a terminal does not. Line ends are layout there. */
const STEERING_IN_JSON = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escaped(character: string): string {
  const named = NAMED[character]
  if (named !== undefined) return named
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`
  return code < 0x1_0000 ? `\\u${hex.padStart(4, '0')}` : `\\u{${hex}}`
}

/** One line of text that can do nothing to a terminal but stand in it. */
export function plain(text: string): string {
  return text.replace(STEERING, escaped)
}

/** Several lines, each of them plain. */
export function plainLines(text: string): readonly string[] {
  return text.split('\n').map(plain)
}

/** An address with a password, also as a path is made of it: `postgres:/user:password@host`. */
const PASSWORD = /([a-z][a-z0-9+.-]*:\/{1,2}[^\s/?#:@'"]*):[^\s'"]*@/gi

/**
 * The text without passwords of addresses. Nobody prints one that is known to be there; this is for
 * an address that was given in place of something else, and comes back in what the system reports.
 */
export function withoutPasswords(text: string): string {
  return text.replace(PASSWORD, '$1:…@')
}

/** JSON of a value, equal to what `JSON.stringify` gives and safe to look at. */
export function jsonText(value: unknown, indent = 0): string {
  return safeJson(JSON.stringify(value, null, indent) ?? 'null')
}

/** JSON text whose controls are written as escapes: the same value to every reader. */
export function safeJson(json: string): string {
  return json.replace(STEERING_IN_JSON, (character) => {
    let text = ''
    for (let at = 0; at < character.length; at += 1) {
      text += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
    }
    return text
  })
}

/** East Asian Width W and F, and emoji, by their blocks. */
const WIDE = new RegExp(
  [
    '[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\u33ff\\u3400-\\u4dbf\\u4e00-\\u9fff]',
    '[\\ua000-\\ua4cf\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe4f]',
    '[\\uff00-\\uff60\\uffe0-\\uffe6]',
    '[\\u{1f300}-\\u{1faff}\\u{20000}-\\u{3fffd}]',
  ].join('|'),
  'u',
)
const NO_WIDTH = /\p{Mn}|\p{Me}/u
const ESCAPE_CODES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')
const ASCII = /^[ -~]*$/

/** Columns a text takes; our own colours take none. */
export function width(text: string): number {
  const bare = text.replace(ESCAPE_CODES, '')
  if (ASCII.test(bare)) return bare.length
  let columns = 0
  for (const character of bare) columns += columnsOf(character)
  return columns
}

function columnsOf(character: string): number {
  if (NO_WIDTH.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** Clips plain text (without colours) to so many columns; what is clipped ends in `…`. */
export function clip(text: string, columns: number): string {
  if (text.length <= columns && ASCII.test(text)) return text
  if (width(text) <= columns) return text
  let kept = ''
  let taken = 0
  for (const character of text) {
    taken += columnsOf(character)
    if (taken > columns - 1) break
    kept += character
  }
  return `${kept}…`
}

/** A word for a POSIX shell, whatever is in it. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  if (plain(text) === text) return `'${text.replaceAll("'", "'\\''")}'`
  const quoted = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    .replace(STEERING, bytesEscaped)
  return `$'${quoted}'`
}

function bytesEscaped(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
    .join('')
}
