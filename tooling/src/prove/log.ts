/**
 * The proof of the log under fault: what was acknowledged is there, whole and as it was, whatever
 * happens to the process, the system calls, the power and the machine.
 *
 * Each part is told a seed and prints what it counted. A part can be made alone, and a case that
 * falls short is repeated by the one command that it prints:
 *
 *     ICE_PROVE_ONLY=R1,R3          these parts
 *     ICE_PROVE_SEED=…              the same choices
 *     ICE_PROVE_CASE=…              this case of the part alone
 */
import { randomInt } from 'node:crypto'
import { chosenParts, type Parts } from '../harness/parts.ts'
import type { ProveTopic } from '../harness/topics.ts'
import { proveCrashes } from './parts/log-crash.ts'
import { proveDeterminism } from './parts/log-determinism.ts'
import { proveErrors } from './parts/log-errors.ts'
import { proveExhaustion } from './parts/log-exhaust.ts'
import { proveFuzz } from './parts/log-fuzz.ts'
import { proveHistories } from './parts/log-histories.ts'
import { proveKills } from './parts/log-kills.ts'
import { proveModels } from './parts/log-models.ts'
import type { LogPart } from './parts/log-part.ts'
import { provePostgres } from './parts/log-postgres.ts'

/** What is proved, by the name that `ICE_PROVE_ONLY` takes. */
const PARTS: Parts<LogPart> = [
  ['R1', proveKills],
  ['R2', proveErrors],
  ['R6', proveDeterminism],
  ['R8', proveModels],
  ['R10', proveHistories],
  ['R12', proveFuzz],
  ['R3', proveCrashes],
  ['R9', provePostgres],
  ['R13', proveExhaustion],
]

export const topic: ProveTopic = {
  summary: 'the log under fault: kills, failing calls, crash states, exhaustion',
  async run(context) {
    const seed = process.env['ICE_PROVE_SEED'] ?? String(randomInt(2 ** 32))
    const chosen = chosenParts('ICE_PROVE_ONLY', PARTS)
    context.say(`seed ${seed}; ${chosen.map(([name]) => name).join()}`)
    for (const [name, part] of chosen) {
      const began = performance.now()
      const only = process.env['ICE_PROVE_CASE']
      await part(context, {
        seed,
        full: context.full,
        ...(only === undefined ? {} : { only }),
        again: (which) =>
          `ICE_PROVE_ONLY=${name} ICE_PROVE_SEED=${seed} ICE_PROVE_CASE='${which}' ` +
          `npm run prove -- log${context.full ? ' --full' : ''}`,
      })
      context.say(`  ${name}: ${((performance.now() - began) / 1_000).toFixed(1)} s`)
    }
  },
}
