/** `ice show`: one run, its story by phases, and what it waits for. */
import type { RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import type { RunView } from '@ice/runs/ports'
import { recordedError } from '../drive/drive.ts'
import { listenForStop, type Stop } from '../drive/stop.ts'
import { waitingLines } from '../drive/waiting.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { labelText } from '../log/labels.ts'
import { type LogReader, openReader, using } from '../log/open.ts'
import { readRun, runStream } from '../log/runs.ts'
import { type EntryKind, Timeline, type TimelineEntry } from '../log/timeline.ts'
import { duration, isoTime } from '../terminal/format.ts'
import type { Paint } from '../terminal/paint.ts'
import { jsonText, plain } from '../terminal/text.ts'
import { standing } from './runs.ts'

/** Options of `show`. */
export interface ShowOptions {
  readonly follow?: boolean
}

/** Carries `show` out. @returns the exit code */
export async function show(
  invocation: Invocation,
  typed: string,
  options: ShowOptions,
): Promise<number> {
  const stop = options.follow === true ? listenForStop(invocation.talk, 'following') : null
  try {
    return await using(await openReader(invocation), async (reader) => {
      const run = await findRun(reader.log, typed)
      const view = await readRun(reader.log, run)
      const entries = storyOf(reader, run, signalOf(invocation, stop))
      if (invocation.format === 'json') await writeJson(invocation, reader, { view, entries })
      else if (invocation.format === 'jsonl')
        await writeJsonl(invocation, reader, { view, entries })
      else await writeHuman(invocation, reader, { view, entries })
      return stop?.exit ?? EXIT.ok
    })
  } finally {
    stop?.release()
  }
}

interface Shown {
  readonly view: RunView
  readonly entries: AsyncIterable<TimelineEntry>
}

/** Fires when following is to end; `null` when nothing is followed. */
function signalOf({ out }: Invocation, stop: Stop | null): AbortSignal | null {
  return stop === null ? null : AbortSignal.any([stop.signal, out.gone])
}

/** The story so far; with a signal, also what comes, until the run is over. */
async function* storyOf(
  { log }: LogReader,
  run: RunId,
  follow: AbortSignal | null,
): AsyncGenerator<TimelineEntry> {
  const timeline = new Timeline()
  const stream = runStream(run)
  const batches: AsyncIterable<readonly RecordedEvent[]> =
    follow === null
      ? log.read({ stream })
      : log.subscribe({ filter: { streamPrefix: stream }, signal: follow })
  try {
    for await (const batch of batches) {
      for (const event of batch) {
        yield* timeline.take(event)
        if (follow !== null && event.type === 'RunTerminated') return
      }
    }
  } catch (error) {
    if (follow?.aborted !== true) throw error
  }
}

async function writeJson(
  { out }: Invocation,
  { log }: LogReader,
  { view, entries }: Shown,
): Promise<void> {
  await out.write('{"timeline":[')
  let separator = '\n'
  for await (const entry of entries) {
    await out.write(separator + jsonText(entry))
    separator = ',\n'
  }
  // As it stands now: while it was followed the run has moved.
  const last = await readRun(log, view.run)
  const error = await recordedError(log, view.run)
  await out.write(`\n],"run":${jsonText(last)},"error":${jsonText(error)}}\n`)
}

async function writeJsonl(
  { out }: Invocation,
  { log }: LogReader,
  { view, entries }: Shown,
): Promise<void> {
  for await (const entry of entries) await out.write(`${jsonText(entry)}\n`)
  const last = await readRun(log, view.run)
  await out.write(`${jsonText({ run: last, error: await recordedError(log, view.run) })}\n`)
}

async function writeHuman(
  invocation: Invocation,
  { log }: LogReader,
  { view, entries }: Shown,
): Promise<void> {
  const { out, paint } = invocation
  await out.write(`${headLines(view, paint).join('\n')}\n`)
  const names = new Map(Object.entries(view.grants).map(([name, grant]) => [grant as string, name]))
  let phase = ''
  for await (const entry of entries) {
    if (entry.phase !== phase) await out.write(`\n${paint.bold(entry.phase)}\n`)
    phase = entry.phase
    await out.write(`${entryLine(entry, { paint, names, since: view.createdAt })}\n`)
    if (out.closed) return
  }
  const last = await readRun(log, view.run)
  await out.write(`${tailLines(invocation, last).join('\n')}\n`)
}

function headLines(view: RunView, paint: Paint): readonly string[] {
  const { text, mark = (same: string) => same } = standing(view, paint)
  const by = view.principal === null ? '' : ` by ${plain(view.principal)}`
  const { name, version } = view.program
  const lines = [
    `run ${paint.bold(view.run)}  ${plain(`${name} ${version}`)}  ${mark(text)}`,
    `  created ${isoTime(view.createdAt)}${by}`,
  ]
  if (view.key !== null) lines.push(`  key ${plain(view.key)}`)
  for (const [tag, value] of Object.entries(view.tags)) {
    lines.push(`  tag ${plain(tag)}=${plain(value)}`)
  }
  for (const [label, grant] of Object.entries(view.grants)) {
    lines.push(`  grant ${plain(label)}  ${grant}`)
  }
  return lines
}

const SIGNS: Readonly<Partial<Record<EntryKind, readonly [sign: string, mark: keyof Paint]>>> = {
  effect: ['✓', 'green'],
  denied: ['✗', 'red'],
  failed: ['!', 'red'],
  doubt: ['?', 'red'],
  resolved: ['?', 'green'],
  asked: ['…', 'yellow'],
  approved: ['✓', 'yellow'],
  rejected: ['✗', 'yellow'],
  proposal: ['›', 'cyan'],
  staged: ['›', 'cyan'],
  undone: ['↶', 'green'],
  'not-undone': ['!', 'red'],
  'set-aside': ['!', 'red'],
  released: ['✓', 'green'],
}

/** One line of the story. */
function entryLine(
  entry: TimelineEntry,
  setting: {
    readonly paint: Paint
    readonly names: ReadonlyMap<string, string>
    readonly since: number
  },
): string {
  const { paint, names, since } = setting
  const [sign, mark] = SIGNS[entry.kind] ?? ['·', 'dim']
  const marked = paint[mark]
  const shown = typeof marked === 'function' ? marked(sign) : sign
  const at = `+${((entry.time - since) / 1000).toFixed(3)}`.padStart(11)
  const grant =
    entry.grant === undefined ? '' : ` under ${plain(names.get(entry.grant) ?? entry.grant)}`
  const parts = [
    entry.kind === 'effect' ? plain(entry.action ?? entry.text) : entry.kind,
    ...(entry.step === undefined ? [] : [paint.bold(plain(entry.step))]),
    ...(entry.kind === 'effect' ? [] : [plain(entry.text)]),
    ...(entry.code === undefined ? [] : [paint.dim(`[${plain(entry.code)}]`)]),
    ...(grant === '' ? [] : [paint.dim(grant.trim())]),
    ...((entry.attempts ?? 1) > 1 ? [`${entry.attempts} attempts`] : []),
    ...(entry.by === undefined ? [] : [`by ${plain(entry.by)}`]),
    ...(entry.comment === undefined ? [] : [`“${plain(entry.comment)}”`]),
    ...(entry.ms === undefined ? [] : [paint.dim(`after ${duration(entry.ms)}`)]),
  ]
  return `${paint.dim(at)} s  ${shown} ${parts.join('  ')}`
}

/** What it holds back, and what became of undoing what it did. */
function owedLines({ staged, compensations }: RunView): readonly string[] {
  const { open, succeeded, abandoned } = compensations
  const undone = [`${succeeded} undone`, `${open.length} being undone`]
  const isUndoing = succeeded + open.length + abandoned.length > 0
  return [
    ...(staged.length === 0 ? [] : [`staged: ${staged.map(plain).join(', ')}`]),
    ...(isUndoing ? [`${undone.join(', ')}, ${abandoned.length} left as they are`] : []),
    ...abandoned.map((effect) => `  not undone: ${plain(effect)}`),
  ]
}

function tailLines(invocation: Invocation, view: RunView): readonly string[] {
  const { paint } = invocation
  const { succeeded, failed, denied, approved } = view.effects
  const counts = `${succeeded} effects, ${failed} failed, ${denied} denied, ${approved} approved`
  const took = duration(view.updatedAt - view.createdAt)
  const lines = ['', `${counts}; ${view.version} events in ${took}`]
  lines.push(`what it was given: ${labelText(view.label)}`, ...owedLines(view))
  if (view.reason !== null) lines.push(`ended because: ${plain(view.reason)}`)
  if (view.quarantine !== null) {
    const release = invocation.command(['release', view.run, '--reason', 'why it may go on'])
    lines.push(`${paint.red('set aside')}; once it may go on`, `  ${paint.cyan(release)}`)
  }
  if (view.state === 'TERMINATED' || view.waitingFor.length === 0) return lines
  lines.push(paint.yellow('waits for'), ...waitingLines(invocation, view.run, view.waitingFor))
  return lines
}
