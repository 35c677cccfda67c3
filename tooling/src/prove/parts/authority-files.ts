/**
 * A2: no call of the file effects is led out of its root: not by a race of renames, not by the
 * cases of Go's `os.Root`, not by what others have written down of traversal strings.
 */
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { projectRoot } from '../../lib/house.ts'
import { runVitest } from '../../test-run/vitest.ts'
import { builtFileEffects, renameRace } from './rename-race.ts'

type Context = TopicContext & CheckRecorder

/** Tries of the race by default, and with `--full`. */
const TRIES = { default: 1_000_000, full: 10_000_000 } as const

const CONTAINMENT = 'packages/effects/test/containment.test.ts'

/** Races, and the vectors; `ICE_PROVE_TRIES` shortens the race while one works on it. */
export const authorityFiles = async (context: Context): Promise<void> => {
  const tries = Number(
    process.env['ICE_PROVE_TRIES'] ?? (context.full ? TRIES.full : TRIES.default),
  )
  await proveRace(context, tries)
  const name = 'the 25 rooted opens and every traversal string'
  const { passed, failed, skipped } = await runVitest(projectRoot, [CONTAINMENT])
  if (skipped.length > 0) context.skip(`${skipped.length} tests of ${name}`, skipped.join('; '))
  await context.check(name, () => {
    if (failed > 0) throw new Error(`${failed} tests failed; they are named above`)
    return passed
  })
}

/** Races so many calls against renames of what they walk through. */
export const proveRace = async (context: Context, tries: number): Promise<void> => {
  await context.check('a race of renames leads no call out of its root', async () => {
    const counts = await renameRace({ tries, subject: await builtFileEffects() })
    context.say(`  ${JSON.stringify(counts)}`)
    if (counts.escaped > 0) throw new Error(`${counts.escaped} calls saw or changed the outside`)
    return counts.tries
  })
}
