import { createAuthority, toolKind } from '@ice/capabilities'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import { createIds, type PrincipalId, systemClock, systemRandom } from '@ice/primitives'
import { createRuns, defineProgram, memoryOwnership } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
import { z } from 'zod'

const clock = systemClock
const taxonomy = composeTaxonomy(standardTypes)
const log = createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })

const greet: EffectHandler = {
  action: 'greet',
  fate: 'irreversible',
  outcome: 'EffectSucceeded',
  arguments: z.strictObject({ whom: z.string() }),
  resource: () => ({ name: 'greeter' }),
  perform: async ({ arguments: { whom } }) => ({ value: `Hello, ${whom}!`, observed: {} }),
}

const runs = createRuns({
  log,
  authority: createAuthority({ log, kinds: [toolKind] }),
  ownership: memoryOwnership().join('example'),
  ids: createIds({ clock, random: systemRandom }),
  clock,
  effects: [greet],
  principal: 'os:example' as PrincipalId,
})

const program = defineProgram({
  name: 'hello',
  version: '1',
  input: z.strictObject({ whom: z.string() }),
  output: z.string(),
  run: (ctx, { whom }) =>
    ctx.effect<string>('greet', { action: 'greet', grant: 'greeter', arguments: { whom } }),
})

const greeter = { actions: ['greet'], resource: { kind: 'tool', name: 'greeter' } }
const { run, stretch } = await runs.execute(program, { whom: 'world' }, { grants: { greeter } })
console.log(stretch.kind === 'concluded' ? stretch.result : stretch)
console.log((await runs.view(run)).state)
