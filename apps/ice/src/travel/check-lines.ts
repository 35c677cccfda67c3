/** A checked history in words: what is recorded, what the program asks for, and what is like it. */
import type { JsonObject } from '@ice/primitives'
import type { AskedStep, HistoryCheck, HistoryDifference } from '@ice/runs'
import { counted } from '../terminal/format.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, jsonText, plain } from '../terminal/text.ts'

const COLUMNS = 80

/** Lines of at most 80 columns, but for ids. */
export function checkLines(check: HistoryCheck, paint: Paint): readonly string[] {
  const { outcome, run, program, heldTo, events, reason, difference, patches, beyond } = check
  const mark = outcome === 'equal' ? paint.green : paint.red
  const name = plain(`${program.name} ${program.version}`.trim() || 'no program')
  const other = heldTo !== null && heldTo.version !== program.version
  const held = other ? ` held to ${plain(heldTo.version)}` : ''
  return [
    `${mark(outcome.padEnd(10))} ${run}  ${name}${held}, ${counted(events, 'event')}`,
    ...(reason === null ? [] : [line('', reason)]),
    ...(difference === null ? [] : differenceLines(difference, paint)),
    ...(patches.taken.length === 0 ? [] : [line('patches taken', patches.taken.join(', '))]),
    ...(patches.passed.length === 0 ? [] : [line('patches passed', patches.passed.join(', '))]),
    ...beyond.map((asked) => line('asks next for', askedText(asked))),
  ]
}

function differenceLines(difference: HistoryDifference, paint: Paint): readonly string[] {
  const { step, why, recorded, asked, nearest, ended } = difference
  const where = step === '' ? 'at its end' : `at "${plain(step)}"`
  return [
    `  ${paint.bold(where)}: ${clip(plain(why), 320)}`,
    ...(recorded === null
      ? []
      : [line('recorded', `${recorded.type} ${recorded.event}`), ...told(recorded.says)]),
    ...(asked !== null
      ? [line('program', `asks for ${articled(asked.kind)}`), ...told(asked.asks)]
      : step === ''
        ? []
        : [line('program', ended === null ? 'asks for nothing of this id' : ended)]),
    ...nearest.map((each) => line('nearest', askedText(each))),
    ...(ended === null || asked === null ? [] : [line('by then', ended)]),
  ]
}

function line(label: string, text: string): string {
  const head = label === '' ? '  ' : `  ${label.padEnd(15)}`
  return head + clip(plain(text), Math.max(COLUMNS - head.length, 24))
}

function told(members: JsonObject): readonly string[] {
  return Object.entries(members).map(([name, value]) => {
    const text = typeof value === 'string' ? value : jsonText(value)
    return clip(`                 ${plain(name)}: ${plain(text)}`, COLUMNS)
  })
}

function askedText({ step, kind, asks }: AskedStep): string {
  const { argumentsDigest, ...shown } = asks
  const isShown = Object.hasOwn(asks, 'arguments') || argumentsDigest === undefined
  return `"${step}", ${articled(kind)} ${jsonText(isShown ? shown : asks)}`
}

function articled(kind: string): string {
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`
}
