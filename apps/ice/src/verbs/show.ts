/** `ice show`: one run, its story by phases, and what it waits for. */
import type { RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import type { RunView } from '@ice/runs/ports'
import { recordedError } from '../drive/drive.ts'
import { listenForStop, type Stop } from '../drive/stop.ts'
import { waitingLines } from '../drive/waiting.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { labelText } from '../log/labels.ts'
import { type LogReader, openReader, using } from '../log/open.ts'
import { readRun, readRunAt, runStream } from '../log/runs.ts'
import { type EntryKind, Timeline, type TimelineEntry } from '../log/timeline.ts'
import { duration, isoTime } from '../terminal/format.ts'
import type { Paint } from '../terminal/paint.ts'
import { jsonText, plain } from '../terminal/text.ts'
import { type Part, wrapped } from '../terminal/wrap.ts'
import { standing } from './runs.ts'

/** Options of `show`. */
export interface ShowOptions {
  readonly follow?: boolean
  /** The version it is shown at. */
  readonly at?: number
}

/** Carries `show` out. @returns the exit code */
export async function show(
  invocation: Invocation,
  typed: string,
  options: ShowOptions,
): Promise<number> {
  const { at } = options
  if (at !== undefined && options.follow === true) {
    throw new CliError(CLI_CODES.usage, 'What is shown as it was is not followed: --at or --follow')
  }
  const stop = options.follow === true ? listenForStop(invocation.talk, 'following') : null
  try {
    return await using(await openReader(invocation), async (reader) => {
      const run = await findRun(reader.log, typed)
      const read = (): Promise<RunView> =>
        at === undefined ? readRun(reader.log, run) : readRunAt(reader.log, run, at)
      const view = await read()
      const entries = storyOf(reader, run, { follow: signalOf(invocation, stop), at })
      const shown: Shown = { view, entries, read, at }
      if (invocation.format === 'json') await writeJson(invocation, reader, shown)
      else if (invocation.format === 'jsonl') await writeJsonl(invocation, reader, shown)
      else await writeHuman(invocation, shown)
      return stop?.exit ?? EXIT.ok
    })
  } finally {
    stop?.release()
  }
}

interface Shown {
  /** The version it is shown at; left out: as it stands. */
  readonly at: number | undefined
  readonly view: RunView
  readonly entries: AsyncIterable<TimelineEntry>
  /** Reads it once more: while it was followed the run has moved. */
  readonly read: () => Promise<RunView>
}

/** Fires when following is to end; `null` when nothing is followed. */
function signalOf({ out }: Invocation, stop: Stop | null): AbortSignal | null {
  return stop === null ? null : AbortSignal.any([stop.signal, out.gone])
}

/** The story so far, up to a version; with a signal, also what comes, until the run is over. */
async function* storyOf(
  { log }: LogReader,
  run: RunId,
  { follow, at }: { readonly follow: AbortSignal | null; readonly at: number | undefined },
): AsyncGenerator<TimelineEntry> {
  const timeline = new Timeline()
  const stream = runStream(run)
  // Noted before the stream is read: what comes in between is seen twice, and told once.
  const { position } = await log.store.head()
  let seen = 0
  const told = function* (batch: readonly RecordedEvent[]): Generator<TimelineEntry> {
    for (const event of batch) {
      if (event.version > seen) yield* timeline.take(event)
      seen = Math.max(seen, event.version)
      isOver ||= event.type === 'RunTerminated'
    }
  }
  let isOver = false
  const limit = at === undefined ? {} : { limit: at }
  for await (const batch of log.read({ stream, ...limit })) yield* told(batch)
  if (follow === null || isOver) return
  try {
    const filter = { streamPrefix: stream }
    for await (const batch of log.subscribe({ after: position, filter, signal: follow })) {
      yield* told(batch)
      if (isOver) return
    }
  } catch (error) {
    if (!follow.aborted) throw error
  }
}

async function writeJson(
  { out }: Invocation,
  { log }: LogReader,
  { view, entries, read, at }: Shown,
): Promise<void> {
  await out.write('{"timeline":[')
  let separator = '\n'
  for await (const entry of entries) {
    await out.write(separator + jsonText(entry))
    separator = ',\n'
  }
  const last = await read()
  const error = await recordedError(log, view.run, at)
  await out.write(`\n],"run":${jsonText(last)},"error":${jsonText(error)}}\n`)
}

async function writeJsonl(
  { out }: Invocation,
  { log }: LogReader,
  { view, entries, read, at }: Shown,
): Promise<void> {
  for await (const entry of entries) await out.write(`${jsonText(entry)}\n`)
  const last = await read()
  await out.write(`${jsonText({ run: last, error: await recordedError(log, view.run, at) })}\n`)
}

async function writeHuman(invocation: Invocation, { view, entries, read }: Shown): Promise<void> {
  const { out, paint } = invocation
  await out.write(`${headLines(view, paint).join('\n')}\n`)
  const names = new Map(Object.entries(view.grants).map(([name, grant]) => [grant as string, name]))
  let phase = ''
  for await (const entry of entries) {
    if (entry.phase !== phase) await out.write(`\n${paint.bold(entry.phase)}\n`)
    phase = entry.phase
    const columns = Math.max(invocation.columns ?? COLUMNS, COLUMNS)
    const lines = entryLines(entry, { paint, names, since: view.createdAt, columns })
    await out.write(`${lines.join('\n')}\n`)
    if (out.closed) return
  }
  const last = await read()
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
  wait: ['…', 'dim'],
}

/** Columns that the story fits into, where there is no wider terminal. */
const COLUMNS = 80

/** One entry of the story. */
function entryLines(
  entry: TimelineEntry,
  setting: {
    readonly paint: Paint
    readonly names: ReadonlyMap<string, string>
    readonly since: number
    readonly columns: number
  },
): readonly string[] {
  const { paint, names, since, columns } = setting
  const [sign, mark] = SIGNS[entry.kind] ?? ['·', 'dim']
  const marked = paint[mark]
  const shown = typeof marked === 'function' ? marked(sign) : sign
  const at = `+${((entry.time - since) / 1000).toFixed(3)}`.padStart(11)
  const room = { columns: columns - INDENT, indent: 2 }
  const [first = '', ...more] = wrapped(partsOf(entry, paint, names), room)
  const indent = ' '.repeat(INDENT)
  return [`${paint.dim(at)} s  ${shown} ${first}`, ...more.map((line) => indent + line)]
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

/** Columns of the time and of the sign before an entry. */
const INDENT = 17

function partsOf(
  entry: TimelineEntry,
  paint: Paint,
  names: ReadonlyMap<string, string>,
): readonly Part[] {
  const { kind, action, text, step, code, grant, attempts = 1, by, comment, ms } = entry
  const { bold, dim: mark } = paint
  const costs = Object.entries(entry.costs ?? {}).map(([unit, amount]) => `${amount} ${unit}`)
  const isByPerson = entry.decision === 'approved' || entry.decision === 'standing'
  return [
    { text: kind === 'effect' ? plain(action ?? text) : kind },
    ...(step === undefined ? [] : [{ text: plain(step), mark: bold }]),
    ...(kind === 'effect' ? [] : [{ text: plain(text) }]),
    ...(code === undefined ? [] : [{ text: `[${plain(code)}]`, mark }]),
    ...(grant === undefined ? [] : [{ text: `under ${plain(names.get(grant) ?? grant)}`, mark }]),
    ...(isByPerson ? [{ text: DECISIONS[entry.decision ?? 'allowed'], mark }] : []),
    ...(attempts > 1 ? [{ text: `${attempts} attempts` }] : []),
    ...(costs.length === 0 ? [] : [{ text: costs.map(plain).join(', ') }]),
    ...(by === undefined ? [] : [{ text: `by ${plain(by)}` }]),
    ...(comment === undefined ? [] : [{ text: `“${plain(comment)}”` }]),
    ...(ms === undefined ? [] : [{ text: `after ${duration(ms)}`, mark }]),
  ]
}

const DECISIONS = {
  allowed: 'allowed',
  approved: 'approved by a person',
  standing: 'under a standing approval',
} as const

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
