/**
 * `npm run bench -- <topic> [--json] [--full]`: measures a topic against its limit or peers.
 *
 * With `--json` the last line of stdout is `{"topic":…,"figures":[…]}`. It ends with 0 when
 * everything was measured, met or not: a target is judged by who reads the figures.
 */
import { join } from 'node:path'
import { chooseTopic, giveAnswer, sayToPeople, type TopicCall } from '../harness/dispatch.ts'
import { figureTable, isComplete } from '../harness/figure.ts'
import { type BenchTopic, loadTopic } from '../harness/topics.ts'
import { build } from '../lib/build.ts'
import { projectRoot } from '../lib/house.ts'

const folder = join(projectRoot, 'tooling/src/bench')

const measure = async ({ name, full, json }: TopicCall): Promise<void> => {
  const topic = await loadTopic<BenchTopic>(folder, name)
  const figures = await topic.run({ full, say: sayToPeople })
  const text = json ? JSON.stringify({ topic: name, figures }) : figureTable(figures)
  process.stdout.write(`${text}\n`)
  process.exitCode = isComplete(figures) ? 0 : 1
}

const built = await build(projectRoot, 'keep')
const choice = await chooseTopic(
  process.argv.slice(2),
  folder,
  'npm run bench -- <topic> [--json] [--full]',
)
if ('status' in choice) giveAnswer(choice)
else if (built.status === 0) await measure(choice)
else {
  sayToPeople(`${built.output}The build failed.`)
  process.exitCode = 1
}
