/** Colours, where they are wanted: https://no-color.org, https://force-color.org */

/** Ways to mark a text. Each returns the text unchanged where colours are off. */
export interface Paint {
  readonly on: boolean
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

/** Whether a stream gets colours. */
export function wantsColour(
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  const force = env['FORCE_COLOR']
  if ((env['NO_COLOR'] ?? '') !== '') return false
  if (force !== undefined) return force !== '0' && force !== 'false'
  return isTerminal && env['TERM'] !== 'dumb'
}

/** Makes the marks of one stream. */
export function createPaint(on: boolean): Paint {
  const mark = (begin: number, end: number) => (text: string) =>
    on && text !== '' ? `\u001b[${begin}m${text}\u001b[${end}m` : text
  return {
    on,
    bold: mark(1, 22),
    dim: mark(2, 22),
    red: mark(31, 39),
    green: mark(32, 39),
    yellow: mark(33, 39),
    cyan: mark(36, 39),
  }
}
