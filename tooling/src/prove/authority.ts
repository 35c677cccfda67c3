/**
 * The proof of authority: what is not granted does not happen, whoever asks and however.
 *
 * `ICE_PROVE_ONLY=A3` makes some parts alone, by these names.
 */
import { type Parts, proveParts } from '../harness/parts.ts'
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
const PARTS: Parts<Part> = [
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
  run: (context) => proveParts(PARTS, context),
}
