/**
 * R6 of runs: the recorded histories give the same state, byte for byte, folded and replayed, on
 * every Node we support, in other time zones and languages, and without the optimising compiler.
 */
import { fileURLToPath } from 'node:url'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { findNode } from '../../lib/nodes.ts'
import { runTool } from '../../lib/tools.ts'
import type { StateSaid } from './runs-state-child.ts'

/** The oldest line of Node, and the one after our own. */
const NODES = ['22.23.3', '26.10.0']

/** Half an hour off, a day off, another calendar, another alphabet, another dotless i. */
const PLACES: readonly (readonly [zone: string, locale: string])[] = [
  ['Australia/Lord_Howe', 'tr_TR.UTF-8'],
  ['Pacific/Apia', 'ar_EG.UTF-8'],
  ['America/St_Johns', 'th_TH.UTF-8'],
]

interface Elsewhere {
  readonly name: string
  readonly node: string
  readonly flags?: readonly string[]
  readonly zone?: string
  readonly locale?: string
}

const file = fileURLToPath(new URL('./runs-state-child.ts', import.meta.url))

const run = async ({
  node,
  flags = [],
  zone = 'UTC',
  locale = 'en_US.UTF-8',
}: Elsewhere): Promise<StateSaid> => {
  const { status, output } = await runTool({
    command: node,
    args: ['--no-warnings', ...flags, file],
    env: { TZ: zone, LANG: locale, LC_ALL: locale },
    output: 'keep',
  })
  if (status !== 0) throw new Error(`${node} ended with ${status}: ${output.slice(-2_000)}`)
  return JSON.parse(output) as StateSaid
}

/** Makes the proof. */
export const runsDeterminism = async (context: TopicContext & CheckRecorder): Promise<void> => {
  const here = process.execPath
  const first = await run({ name: 'here', node: here })
  const elsewhere: Elsewhere[] = [
    { name: 'without the optimising compiler', node: here, flags: ['--no-opt'] },
    ...PLACES.map(([zone, locale]) => ({ name: `${zone}, ${locale}`, node: here, zone, locale })),
  ]
  for (const [at, version] of NODES.entries()) {
    const found = await findNode(version)
    const [zone = 'UTC', locale = 'C'] = PLACES[at] ?? []
    if (found.path === undefined) context.skip(`the same state on Node ${version}`, found.why)
    else elsewhere.push({ name: `Node ${version}`, node: found.path, zone, locale })
  }
  for (const each of elsewhere) {
    await context.check(`the same histories give the same state: ${each.name}`, async () => {
      const said = await run(each)
      if (each.zone !== undefined && said.zone !== each.zone) {
        throw new Error(`it is not in ${each.zone} but in ${said.zone}`)
      }
      const names = Object.keys(first.digests)
      // A digest that did not depend on the history would always be the same.
      if (new Set(Object.values(first.digests)).size < names.length) {
        throw new Error('two histories give one state')
      }
      for (const name of names) {
        if (said.digests[name] === first.digests[name]) continue
        throw new Error(`"${name}" gives another state on ${said.node} in ${said.zone}`)
      }
      context.say(`  ${said.node}, ${said.zone}, ${said.locale}`)
      return names.length
    })
  }
}
