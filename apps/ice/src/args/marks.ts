/**
 * What `ice run` is told of its input: where parts of it come from, who may read them, and what
 * the program is not to see.
 *
 *     --label  pointer "=" source     ; /document=net:example.com; "trusted" for no source
 *     --reader pointer "=" reader     ; /document=os:bob
 *     --hold   pointer                ; /document
 *
 * A pointer is a JSON pointer into the input, empty for all of it; a `=` in it is written `==`. The
 * same pointer may come several times, which adds to it.
 *
 * 1. What is not labelled is trusted and for everyone: a person's own words. So a part that is
 *    labelled has to be there; a pointer that names nothing would leave what was meant trusted.
 * 2. A part has its own label, or that of the nearest one above it. So where the whole comes from
 *    somewhere, a part of it can be `trusted`, when that is said.
 *
 * The trap: an empty source, of an unset variable of the shell, is no source, and not `trusted`.
 */

import { findAt, type Label, readLabel, readPointer, TRUSTED_LABEL } from '@ice/primitives'
import type { StartOptions } from '@ice/runs/ports'
import { CLI_CODES, CliError } from '../errors.ts'
import { INPUT_MARKS_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'

/** The options, as they were typed. */
export interface MarkOptions {
  readonly label?: readonly string[]
  readonly reader?: readonly string[]
  readonly hold?: readonly string[]
}

const MARK = /^((?:[^=]|==)*)=(?!=)(.*)$/s
const TRUSTED = 'trusted'

/** What `StartOptions` say of the input. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function inputMarks(
  { label = [], reader = [], hold = [] }: MarkOptions,
  input: unknown,
): Pick<StartOptions, 'labels' | 'hold'> {
  const sources = gathered(label, { option: '--label', of: 'source', input })
  const readers = gathered(reader, { option: '--reader', of: 'reader', input })
  const held = hold.map((pointer) => checkedPointer(pointer, { option: '--hold', input }))
  const pointers = new Set([...sources.keys(), ...readers.keys()])
  const labels = new Map<string, Label>()
  if (pointers.size > 0 && !pointers.has('')) labels.set('', TRUSTED_LABEL)
  for (const pointer of pointers) {
    labels.set(pointer, labelOf(pointer, sources.get(pointer), readers.get(pointer)))
  }
  return {
    ...(labels.size === 0 ? {} : { labels: Object.fromEntries(labels) }),
    ...(held.length === 0 ? {} : { hold: held }),
  }
}

interface Setting {
  readonly option: string
  readonly input: unknown
}

/** Names by the pointers they were given for. */
function gathered(
  texts: readonly string[],
  { of, ...setting }: Setting & { readonly of: 'source' | 'reader' },
): ReadonlyMap<string, readonly string[]> {
  const { option } = setting
  if (texts.length > INPUT_MARKS_MAX) {
    throw new CliError(CLI_CODES.usage, `${option} is given at most ${INPUT_MARKS_MAX} times`)
  }
  const found = new Map<string, readonly string[]>()
  for (const text of texts) {
    const [, written, name] = MARK.exec(text) ?? []
    if (written === undefined || name === undefined || name === '') {
      const shown = plain(text.slice(0, 200))
      const message = `${option} takes <pointer>=<${of}>, not "${shown}"`
      const example = of === 'source' ? 'net:example.com' : 'os:bob'
      throw new CliError(CLI_CODES.usage, message, {
        next: [
          `for example ${option} /document=${example}, or ${option} =${example} for all of it`,
        ],
      })
    }
    const pointer = checkedPointer(written.replaceAll('==', '='), setting)
    found.set(pointer, [...(found.get(pointer) ?? []), name])
  }
  return found
}

function checkedPointer(pointer: string, { option, input }: Setting): string {
  const steps = readPointer(pointer)
  const shown = plain(pointer.slice(0, 200))
  if (steps === undefined) {
    throw new CliError(CLI_CODES.usage, `${option}: "${shown}" is no JSON pointer`, {
      next: ['a pointer reads /document or /files/0, and is empty for the whole input'],
    })
  }
  if (findAt(input, steps).kind === 'value') return pointer
  throw new CliError(CLI_CODES.usage, `${option}: the input has nothing at "${shown}"`)
}

function labelOf(
  pointer: string,
  sources: readonly string[] = [TRUSTED],
  readers: readonly string[] | undefined,
): Label {
  const isTrusted = sources.length === 1 && sources[0] === TRUSTED
  if (!isTrusted && sources.includes(TRUSTED)) {
    const message = `--label says that "${plain(pointer)}" is trusted, and comes from somewhere`
    throw new CliError(CLI_CODES.usage, message)
  }
  const label = readLabel({ sources: isTrusted ? [] : sources, readers: readers ?? null })
  if (label !== undefined) return label
  throw new CliError(CLI_CODES.usage, `--label and --reader name too much of "${plain(pointer)}"`)
}
