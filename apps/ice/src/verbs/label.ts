/** `ice endorse`, `ice declassify`: what a person says about where a value came from. */
import type { JsonValue, Label, RunId } from '@ice/primitives'
import type { ValueOfRun } from '@ice/runs/ports'
import { saidWhy } from '../args/values.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { findRun } from '../log/find.ts'
import { labelText, readLabelled, readLabelledValue } from '../log/labels.ts'
import { type LogReader, openReader, openRuntime, using } from '../log/open.ts'
import { readRun } from '../log/runs.ts'
import { clip, jsonText, plain } from '../terminal/text.ts'

/** Which value is meant. */
export interface LabelTarget {
  readonly run: string
  readonly step: string | undefined
}

interface Common {
  readonly reason?: string
  readonly digest?: string
  readonly dryRun?: boolean
}

/** Options of `endorse`. */
export interface EndorseOptions extends Common {
  readonly source: readonly string[]
  readonly allSources?: boolean
}

/** Options of `declassify`. */
export interface DeclassifyOptions extends Common {
  readonly reader: readonly string[]
  readonly everyone?: boolean
}

/** Characters of a value that a preview shows; `--json` has all of it. */
const PREVIEW_CHARS = 2_000

/** Carries `endorse` out. @returns the exit code */
export async function endorse(
  invocation: Invocation,
  target: LabelTarget,
  { source, allSources, ...options }: EndorseOptions,
): Promise<number> {
  if (options.dryRun === true) return preview(invocation, target)
  if ((source.length === 0) === (allSources !== true)) {
    throw usage('Say which sources no longer count: --source <source>, or --all-sources')
  }
  return widen(invocation, target, options, async ({ runtime, run, value, reason, digest }) => {
    const sources = allSources === true ? value.label.sources : source
    await runtime.runs.endorse(run, { step: value.step, sources, reason, digest })
    return { word: 'endorsed', members: { sources } }
  })
}

/** Carries `declassify` out. @returns the exit code */
export async function declassify(
  invocation: Invocation,
  target: LabelTarget,
  { reader, everyone, ...options }: DeclassifyOptions,
): Promise<number> {
  if (options.dryRun === true) return preview(invocation, target)
  if ((reader.length === 0) === (everyone !== true)) {
    throw usage('Say who may read it too: --reader <reader>, or --everyone')
  }
  return widen(invocation, target, options, async ({ runtime, run, value, reason, digest }) => {
    const readers = everyone === true ? null : reader
    await runtime.runs.declassify(run, { step: value.step, readers, reason, digest })
    return { word: 'declassified', members: { readers } }
  })
}

function usage(message: string): CliError {
  return new CliError(CLI_CODES.usage, message, { next: NEXT })
}

const NEXT = ['--dry-run shows the value and its label, and changes nothing']

interface Widening {
  readonly runtime: Awaited<ReturnType<typeof openRuntime>>
  readonly run: RunId
  readonly value: ValueOfRun
  readonly reason: string
  readonly digest: string
}

async function widen(
  invocation: Invocation,
  target: LabelTarget,
  { reason, digest }: Common,
  act: (widening: Widening) => Promise<{ readonly word: string; readonly members: object }>,
): Promise<number> {
  if (target.step === undefined) throw usage('Name the step that gave the value')
  const why = saidWhy(reason, 'It says', NEXT)
  return using(await openRuntime(invocation, { create: false }), async (runtime) => {
    const { log } = runtime
    const run = await findRun(log, target.run)
    const value = chosen(invocation, run, target.step, await readLabelled(log, run))
    // The digest of what is there now: another value under this name is not what was meant.
    const exact = digest ?? value.digest
    const { word, members } = await act({ runtime, run, value, reason: why, digest: exact })
    const after = await readLabelled(log, run)
    const label = after.find(({ step }) => step === value.step)?.label ?? value.label
    const { label: mark } = await readRun(log, run)
    const others = bringing(after, mark, value.step)
    await invocation.print(
      () => [
        `${word}  ${plain(value.step)}: now ${labelText(label)}`,
        `the run ${labelText(mark)}`,
        ...others.map((each) => `  ${plain(each.step)} ${labelText(each.label)}`),
      ],
      () => ({
        run,
        step: value.step,
        digest: exact,
        ...members,
        reason: why,
        label,
        mark,
        others,
      }),
    )
    return EXIT.ok
  })
}

/** Other values that still bring in what the run is labelled with. */
function bringing(
  values: readonly ValueOfRun[],
  { sources, readers }: Label,
  step: string,
): readonly ValueOfRun[] {
  const isNarrow = ({ label }: ValueOfRun): boolean =>
    label.sources.some((source) => sources.includes(source)) ||
    (readers !== null && label.readers !== null)
  return values.filter((value) => !value.held && value.step !== step && isNarrow(value))
}

function chosen(
  invocation: Invocation,
  run: RunId,
  step: string | undefined,
  values: readonly ValueOfRun[],
): ValueOfRun {
  const value = values.find((each) => each.step === step)
  if (value !== undefined) return value
  const known = values.slice(0, 16).map((each) => each.step)
  throw new CliError(CLI_CODES.stepNotFound, `Run ${run} has no labelled value of that step`, {
    data: { run, step: step ?? null, steps: known },
    next: [invocation.command(['endorse', run, '--dry-run'])],
  })
}

async function preview(invocation: Invocation, target: LabelTarget): Promise<number> {
  return using(await openReader(invocation), async (reader) => {
    const run = await findRun(reader.log, target.run)
    const all = await readLabelled(reader.log, run)
    const meant = target.step === undefined ? all : [chosen(invocation, run, target.step, all)]
    const values: Shown[] = []
    for (const value of meant) values.push(await shown(reader, run, value))
    const { label: mark } = await readRun(reader.log, run)
    await invocation.print(
      () => [`the run ${labelText(mark)}`, ...values.flatMap(valueLines)],
      () => ({ dryRun: true, run, mark, values }),
    )
    return EXIT.ok
  })
}

type Shown = ValueOfRun & { readonly value: JsonValue }

async function shown({ log }: LogReader, run: RunId, value: ValueOfRun): Promise<Shown> {
  return { ...value, value: await readLabelledValue(log, run, value) }
}

function valueLines({ step, digest, label, held, value }: Shown): readonly string[] {
  return [
    '',
    `${plain(step)}  ${labelText(label)}${held ? '  (held: the program has not seen it)' : ''}`,
    `  digest ${digest}`,
    `  ${clip(plain(jsonText(value)), PREVIEW_CHARS)}`,
  ]
}
