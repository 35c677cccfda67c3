/**
 * Drives one run under a lease, however often it has to ask, and says what came of it.
 *
 *     owner.ts <url> <log schema> <work schema> <name> <witness file> [<run>]
 *
 * Without a run it starts one. Each effect leaves a line in the witness file, in the turn in which
 * its handler is called: nothing lies between the decision to act and the act.
 */
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { createAuthority, toolKind } from '@ice/capabilities'
import { composeTaxonomy, createEventLog, standardTypes } from '@ice/events'
import {
  createIds,
  type JsonObject,
  type PrincipalId,
  type RunId,
  systemClock,
  systemRandom,
} from '@ice/primitives'
import { createRuns, defineProgram } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openPostgresEventStore, openPostgresOwnership } from '../../src/index.ts'

const [url = '', schema = '', work = '', name = '', witness = '', given] = process.argv.slice(2)
const clock = systemClock
const store = await openPostgresEventStore({ connection: url, schema })
const ownership = await openPostgresOwnership({ connection: url, schema: work, leaseMs: 4_000 })
const log = createEventLog({ store, taxonomy: composeTaxonomy(standardTypes), clock })
const authority = createAuthority({ log, kinds: [toolKind] })
const ids = createIds({ clock, random: systemRandom })
const any = { parse: (value: unknown): unknown => value }

const tick: EffectHandler = {
  action: 'tick',
  fate: 'idempotent',
  outcome: 'EffectSucceeded',
  arguments: any as never,
  resource: () => ({ name: 'tick' }),
  async perform({ effect }) {
    appendFileSync(witness, `${name} ${effect}\n`)
    await pause(20)
    return { value: effect, observed: {} }
  },
}

const program = defineProgram({
  name: 'ticking',
  version: '1',
  input: any,
  output: any,
  needs: ['g'],
  async run(ctx) {
    for (let n = 0; n < 100; n += 1) {
      await ctx.effect(`t${n}`, { action: 'tick', grant: 'g', arguments: {} as JsonObject })
    }
    return 'done'
  },
})

const principal = 'os:test' as PrincipalId
const init = { log, authority, ownership, clock, ids, effects: [tick], programs: [program] }
const runs = createRuns({ ...init, principal })
const grants = { g: { actions: ['tick'], resource: { kind: 'tool', names: ['tick'] } } } as const
const run = (given ?? (await runs.start(program, null, { grants }))) as RunId
say(`run ${run}`)
say(`self ${ownership.self}`)
for (;;) {
  const stretch = await runs.drive(run).catch((error: unknown) => error)
  const { kind, code } = stretch as { readonly kind?: string; readonly code?: string }
  // Whoever waits for a takeover asks again; whoever was taken over is done.
  if (kind === 'owned' && given !== undefined) await pause(50)
  else {
    say(`came to ${code ?? kind}, ${ownership.isSure() ? 'sure' : 'unsure'}`)
    break
  }
}
await runs.close()
await ownership.close()
await store.close()
