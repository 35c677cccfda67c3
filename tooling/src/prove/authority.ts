/**
 * The proof of authority: what is not granted does not happen, whoever asks and however.
 *
 * `ICE_PROVE_ONLY=A3` makes some parts alone, by these names.
 */
import type { CheckRecorder } from '../harness/recorder.ts'
import type { ProveTopic, TopicContext } from '../harness/topics.ts'
import { authorityAgentdojo } from './parts/authority-agentdojo.ts'
import { authorityFiles } from './parts/authority-files.ts'
import { authorityModels } from './parts/authority-models.ts'
import { authorityMutants } from './parts/authority-mutants.ts'
import { authorityNet } from './parts/authority-net.ts'
import { authorityProc } from './parts/authority-proc.ts'
import { authorityRaces } from './parts/authority-races.ts'
import { authoritySecrets } from './parts/authority-secrets.ts'

type Part = (context: TopicContext & CheckRecorder) => Promise<void>

/** What is proved, by the name that `ICE_PROVE_ONLY` takes. */
const PARTS: readonly (readonly [name: string, part: Part])[] = [
  ['A1', authorityAgentdojo],
  ['A2', authorityFiles],
  ['A3', authorityNet],
  ['A4', authorityRaces],
  ['R8', authorityModels],
  ['proc', authorityProc],
  ['secrets', authoritySecrets],
  ['R15', authorityMutants],
]

export const topic: ProveTopic = {
  summary: 'authority under attack: injected prompts, addresses, races, budgets, programs, secrets',
  async run(context) {
    const only = process.env['ICE_PROVE_ONLY']?.split(',')
    const names = PARTS.map(([name]) => name)
    const unknown = only?.filter((name) => !names.includes(name)) ?? []
    if (unknown.length > 0) {
      throw new Error(`there is no part ${unknown.join()}; the parts are ${names.join()}`)
    }
    for (const [name, part] of PARTS) {
      if (only?.includes(name) === false) continue
      const began = performance.now()
      await part(context)
      context.say(`  ${name}: ${((performance.now() - began) / 1_000).toFixed(1)} s`)
    }
  },
}
