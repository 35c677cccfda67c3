/** The demonstration on a terminal: numbered steps, a table, two explanations. */

import { relative } from 'node:path'
import { bytes, count, counted, duration } from '../terminal/format.ts'
import type { Paint } from '../terminal/paint.ts'
import { clip, plain } from '../terminal/text.ts'
import type { DemoFolders } from './folders.ts'
import type { Approval, DemoOutcome, Killed, Revoked } from './outcome.ts'
import { REACHES } from './overreach.ts'
import type { RunRecord } from './record.ts'
import type { Stage } from './stage.ts'

/** How it is drawn. */
export interface Look {
  readonly paint: Paint
  /** Columns of the terminal. */
  readonly columns: number
  /** What paths are shown relative to. */
  readonly cwd: string
}

/** Lines, each cut to the width of the terminal. */
export type Lines = readonly string[]

const INDENT = '     '

function shownPath(path: string, { cwd }: Look): string {
  const inner = relative(cwd, path)
  return plain(inner === '' ? '.' : inner.startsWith('..') ? path : inner)
}

function step(look: Look, number: number, held: boolean, text: string): string {
  const { paint } = look
  const mark = held ? paint.green('✓') : paint.red('✗')
  return `${paint.bold(String(number))}  ${mark}  ${clip(plain(text), look.columns - 6)}`
}

/** A text below its step, over as many lines as it takes. */
function details(look: Look, text: string, hang = 0): Lines {
  const width = Math.max(24, look.columns - INDENT.length - 1)
  return wrapped(plain(text), width, hang).map((line) => INDENT + look.paint.dim(line))
}

/** Broken at spaces, and where there is none anywhere; lines after the first hang. */
function wrapped(text: string, width: number, hang: number): Lines {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ' '.repeat(hang) + word
    } else line = line === '' ? word : `${line} ${word}`
    while (line.length > width) {
      lines.push(line.slice(0, width))
      line = ' '.repeat(hang) + line.slice(width)
    }
  }
  return [...lines, line]
}

/** What is about to be shown. */
export function openingLines(look: Look, { source, output, store }: DemoFolders): Lines {
  const { paint } = look
  const title = paint.bold('A governed survey')
  const places = `reports in ${shownPath(output, look)}/, log in ${shownPath(store, look)}/ice.db`
  return [`${title} of ${plain(source)}`, paint.dim(clip(places, look.columns - 1)), '']
}

/** What was placed beforehand, when something was. */
export function placeholderLine(look: Look, { placeholders }: Stage): Lines {
  if (placeholders.length === 0) return []
  const names = placeholders.join(' and ')
  return details(look, `There was no earlier ${names}: a placeholder was put there to replace.`)
}

/** Step 1. */
export function deniedLines(look: Look, { refused }: RunRecord): Lines {
  const reaches = refused.filter(({ step: id }) => id.startsWith('beside/'))
  const head = `The agent reached for ${reaches.length} things it was not given. Each was denied:`
  return [
    step(look, 1, reaches.length === REACHES.length, head),
    ...reaches.flatMap(({ action, reason, code }) =>
      details(look, `${action.padEnd(9)}  ${reason} [${code}]`, 11),
    ),
  ]
}

/** Step 2. */
export function killedLines(look: Look, killed: Killed): Lines {
  const { done, note, atRead, files, filesComplete, pids, replayedReads, repeated } = killed
  if (!done) return [step(look, 2, true, `Nothing was killed half-way: ${note}.`)]
  const [first, second] = pids
  const held = killed.rereads.length + killed.unexpected.length === 0
  const of = `${count(files)}${filesComplete ? '' : ' or more'}`
  const again = killed.rereads.length === 0 ? 'none was read again' : 'SOME WERE READ AGAIN'
  return [
    step(look, 2, held, `Killed by SIGKILL at read ${count(atRead)} of ${of}; another went on.`),
    ...details(
      look,
      `Process ${first} → ${second}: ${counted(replayedReads, 'read')} came from the record, ` +
        `${again}; ${count(repeated.length)} in flight repeated.`,
    ),
  ]
}

/** Step 3. */
export function approvalLines(look: Look, { answer, by, steps }: Approval): Lines {
  const who = { terminal: 'you said', '--yes': '--yes said', default: 'answered as --yes would:' }
  const names = steps.map((id) => id.replace(/^replace\//, '')).join(' and ')
  const head = `Replacing ${names} waited for an approval; ${who[by]} ${answer}.`
  const note = by === 'default' ? ['This is no terminal, so nobody could be asked.'] : []
  return [step(look, 3, steps.length > 0, head), ...note.flatMap((text) => details(look, text))]
}

/** Step 4. */
export function revokedLines(look: Look, { used, refusal }: Revoked): Lines {
  const held = used === 1 && refusal !== null
  const times = used === 1 ? 'once' : `${used} times`
  const head = `The grant for notes was used ${times}, then revoked.`
  const next = refusal === null ? 'Nothing was refused.' : `The next note: ${refusal.reason}`
  return [step(look, 4, held, head), ...details(look, `${next}${codeOf(refusal)}`)]
}

function codeOf(refusal: Revoked['refusal']): string {
  return refusal === null ? '' : ` [${refusal.code}]`
}

/** Step 5, and what follows from it. */
export function conclusionLines(look: Look, outcome: DemoOutcome): Lines {
  const { paint } = look
  const { run, conclusion, verification, tampered, claims, held } = outcome
  const failed = claims.filter((claim) => !claim.held).map(({ name }) => name)
  const tamperedAt = `byte ${count(tampered.byte)} of event ${count(tampered.position)}`
  const found = tampered.found === null ? 'NOTHING' : `event ${count(tampered.found.position)}`
  const isFound = tampered.found?.position === tampered.position
  const isWhole = verification.findings === 0
  const verified = isWhole ? 'verifies' : `HAS ${verification.findings} FINDINGS`
  const root = `${verification.root.slice(0, 16)}…`
  const events = counted(verification.events, 'event')
  return [
    step(look, 5, conclusion === 'committed', `Run ${run}: ${conclusion}.`),
    ...tableLines(look, outcome),
    ...outcome.why.flatMap((why) => [
      '',
      `${INDENT}${paint.bold(`why ${why.verdict}`)} ${paint.dim(why.event)}`,
      ...why.lines.flatMap(([label, text]) => details(look, `${label.padEnd(9)} ${text}`, 10)),
    ]),
    '',
    `${INDENT}${mark(look, isWhole)} The log ${verified}: ${events}, root ${root}`,
    `${INDENT}${mark(look, isFound)} A copy with ${tamperedAt} changed fails: found at ${found}`,
    '',
    held ? paint.green(resultLine(look, outcome)) : paint.red(`Did not hold: ${failed.join('; ')}`),
  ]
}

function mark({ paint }: Look, held: boolean): string {
  return held ? paint.green('✓') : paint.red('✗')
}

function tableLines(look: Look, { table }: DemoOutcome): Lines {
  const effects: readonly (readonly [string, string])[] = [
    ['allowed', count(table.allowed)],
    ['denied', count(table.denied)],
    ['approved', count(table.approved)],
    ['resumed', count(table.resumed)],
    ['events', count(table.events)],
    ['read', bytes(table.bytesRead)],
    ['log', bytes(table.logBytes)],
    ['time', duration(table.ms)],
  ]
  const widths = effects.map(([name, value]) => Math.max(name.length, value.length))
  const row = (at: 0 | 1): string =>
    effects.map((pair, column) => pair[at].padStart(widths[column] ?? 0)).join('   ')
  const width = look.columns - INDENT.length - 1
  return [INDENT + look.paint.dim(clip(row(0), width)), INDENT + clip(row(1), width)]
}

/** The result in one line. */
export function resultLine(look: Look, { result, output, conclusion }: DemoOutcome): string {
  if (result === null) return `The survey ended without a result: ${conclusion}.`
  const { files, lines, bytes: size } = result.totals
  const kept = result.reports.some(({ how }) => how === 'kept') ? ' (the earlier one was kept)' : ''
  const where = `${shownPath(output, look)}/survey.md`
  const sums = `${counted(files, 'file')}, ${counted(lines, 'line')}, ${bytes(size)}`
  const empty = files === 0 ? 'The folder has no files. ' : ''
  return `${empty}${sums} in ${counted(result.languages, 'language')} → ${where}${kept}`
}

/** A bar for the files read so far. */
export function progressLine(files: number, of: number | undefined): string {
  if (of === undefined || of === 0) return `${counted(files, 'file')} read`
  const done = Math.min(1, files / of)
  const filled = Math.round(done * 24)
  return `${'█'.repeat(filled)}${'░'.repeat(24 - filled)} ${count(files)} of ${count(of)} files`
}
