/**
 * `npm run prove -- <topic> [--full]`: makes a topic's checks. Progress goes to stderr, the last
 * line of stdout has the counts, and it ends with 1 when a check falls short.
 */
import { join } from 'node:path'
import { chooseTopic, giveAnswer, sayToPeople, type TopicCall } from '../harness/dispatch.ts'
import { record } from '../harness/recorder.ts'
import { loadTopic, type ProveTopic } from '../harness/topics.ts'
import { build } from '../lib/build.ts'
import { projectRoot } from '../lib/house.ts'

const folder = join(projectRoot, 'tooling/src/prove')

const prove = async ({ name, full }: TopicCall): Promise<void> => {
  const recording = record(name, sayToPeople)
  try {
    const topic = await loadTopic<ProveTopic>(folder, name)
    await topic.run({ ...recording, full, say: sayToPeople })
  } catch (error) {
    // A topic that breaks off has proved nothing of what it did not come to.
    await recording.check('the proof runs to its end', () => {
      throw error
    })
  }
  const { line, held } = recording.finish()
  process.stdout.write(`${line}\n`)
  process.exitCode = held ? 0 : 1
}

const built = await build(projectRoot, 'keep')
const choice = await chooseTopic(process.argv.slice(2), folder, 'npm run prove -- <topic> [--full]')
if ('status' in choice) giveAnswer(choice)
else if (built.status === 0) await prove(choice)
else {
  sayToPeople(`${built.output}The build failed.`)
  process.exitCode = 1
}
