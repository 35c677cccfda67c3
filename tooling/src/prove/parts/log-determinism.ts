/**
 * R6: the same seed gives the same log, byte for byte: twice, on every Node we support, in other
 * time zones and languages, with and without the optimising compiler.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findNode } from '../../lib/nodes.ts'
import { quickFolder } from '../../lib/quick-folder.ts'
import { runTool } from '../../lib/tools.ts'
import type { DeterminismJob, DeterminismSaid } from './determinism-child.ts'
import type { LogPart, LogPartInit } from './log-part.ts'

type Context = TopicContext & CheckRecorder

const SEEDS = 200
const SEEDS_FULL = 2_000

/** The oldest and the newest line of Node beside our own. */
const NODES = ['22.23.3', '26.10.0']

/** Where a history is made. */
interface Elsewhere {
  readonly name: string
  readonly node: string
  readonly flags?: readonly string[]
  readonly zone?: string
  readonly locale?: string
}

/** Half an hour off, a day off, another calendar, another alphabet, another dotless i. */
const PLACES: readonly (readonly [zone: string, locale: string])[] = [
  ['Australia/Lord_Howe', 'tr_TR.UTF-8'],
  ['Pacific/Apia', 'ar_EG.UTF-8'],
  ['America/St_Johns', 'th_TH.UTF-8'],
  ['Europe/Berlin', 'C'],
]

const file = fileURLToPath(new URL('./determinism-child.ts', import.meta.url))

/** Makes the proof; `only` is one seed. */
export const proveDeterminism: LogPart = async (context, init) => {
  const base = quickFolder('ice-determinism-')
  try {
    const here = process.execPath
    const first = await run({ name: 'here', node: here }, init, base)
    const elsewhere: Elsewhere[] = [
      { name: 'again', node: here },
      { name: 'without the optimising compiler', node: here, flags: ['--no-opt'] },
      ...PLACES.map(([zone, locale]) => ({ name: `${zone}, ${locale}`, node: here, zone, locale })),
    ]
    for (const version of NODES) {
      const found = await findNode(version)
      const [zone, locale] = PLACES[0] ?? []
      if (found.path === undefined) context.skip(`the same log on Node ${version}`, found.why)
      else
        elsewhere.push({
          name: `Node ${version}`,
          node: found.path,
          ...{ zone, locale },
        } as Elsewhere)
    }
    const lane = async (): Promise<void> => {
      for (let each = elsewhere.shift(); each !== undefined; each = elsewhere.shift()) {
        await compare(context, init, { first, each, base })
      }
    }
    await Promise.all([lane(), lane()])
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

const run = async (
  { node, flags = [], zone = 'UTC', locale = 'en_US.UTF-8' }: Elsewhere,
  { seed, full, only }: LogPartInit,
  base: string,
): Promise<DeterminismSaid> => {
  const folder = mkdtempSync(join(base, 'logs-'))
  const count = full ? SEEDS_FULL : SEEDS
  const seeds =
    only === undefined ? Array.from({ length: count }, (_, at) => `${seed}/${at}`) : [only]
  const job: DeterminismJob = { seeds, folder }
  const { status, output } = await runTool({
    command: node,
    args: ['--no-warnings', ...flags, file, JSON.stringify(job)],
    env: { TZ: zone, LANG: locale, LC_ALL: locale },
    output: 'keep',
  })
  rmSync(folder, { recursive: true, force: true })
  if (status !== 0) throw new Error(`${node} ended with ${status}: ${output.slice(-2_000)}`)
  return JSON.parse(output) as DeterminismSaid
}

interface Comparison {
  readonly first: DeterminismSaid
  readonly each: Elsewhere
  readonly base: string
}

const compare = async (
  context: Context,
  init: LogPartInit,
  { first, each, base }: Comparison,
): Promise<void> => {
  await context.check(`the same seed gives the same log: ${each.name}`, async () => {
    const said = await run(each, init, base)
    if (each.zone !== undefined && said.zone !== each.zone) {
      throw new Error(`it is not in ${each.zone} but in ${said.zone}`)
    }
    const names = Object.keys(first.digests)
    // A digest that did not depend on the history would always be the same.
    if (new Set(Object.values(first.digests)).size < names.length) {
      throw new Error('two seeds give one log')
    }
    for (const name of names) {
      if (said.digests[name] === first.digests[name]) continue
      const where = `${said.node} in ${said.zone}, ${said.locale}`
      throw new Error(`seed ${name} gives another log on ${where}; again: ${init.again(name)}`)
    }
    context.say(`  ${said.node}, ${said.zone}, ${said.locale}`)
    return names.length
  })
}
