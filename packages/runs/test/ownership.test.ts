/** An owner that may be taken for dead begins nothing. */
import { type PrincipalId, systemClock } from '@ice/primitives'
import { expect, test } from 'vitest'
import { createRuns, memoryOwnership } from '../src/index.ts'
import type { Ownership } from '../src/ports.ts'
import { doing, grants, program, tool, toolGrant, world } from './harness.ts'

/** The same world under an ownership whose certainty is in the hands of the test. */
async function unsure(isSure: () => boolean) {
  const acted: string[] = []
  const act = tool('do', 'irreversible', ({ effect }) => {
    acted.push(effect)
    return 1
  })
  const undo = tool('undo', 'irreversible', ({ effect }) => {
    acted.push(`undo ${effect}`)
    return 1
  })
  const effects = [act, undo]
  const w = await world({ effects })
  const owners = memoryOwnership()
  const ownership: Ownership = { ...owners.join('alice'), isSure }
  const { log, authority, ids } = w
  const principal = 'os:test' as PrincipalId
  const init = { log, authority, ownership, clock: systemClock, ids, effects, principal }
  return { ...w, runs: createRuns(init), acted, owners }
}

/** Verifies: RUN-R170 */
test('an owner that is not sure records no intent', async () => {
  const w = await unsure(() => false)
  const p = program(async (ctx) => ctx.effect('one', doing()))
  const run = await w.runs.start(p, null, { grants })
  await expect(w.runs.drive(run)).rejects.toMatchObject({ code: 'ICE_RUNS_OWNERSHIP_CONFLICT' })
  expect(w.acted).toEqual([])
  expect(await w.types(run)).not.toContain('CapabilityUsed')
})

/** Verifies: RUN-R170 */
test('an owner that is not sure once its intent is recorded does not act on it', async () => {
  let asked = 0
  // Sure when it asks before the append, and no longer when it asks before the act.
  const w = await unsure(() => {
    asked += 1
    return asked === 1
  })
  const p = program(async (ctx) => ctx.effect('one', doing()))
  const run = await w.runs.start(p, null, { grants })
  await expect(w.runs.drive(run)).rejects.toMatchObject({ code: 'ICE_RUNS_OWNERSHIP_CONFLICT' })
  expect(w.acted).toEqual([])
  expect((await w.types(run)).at(-1)).toBe('CapabilityUsed')
})

/** Verifies: RUN-R170 */
test('an owner that is sure again goes on', async () => {
  let isSure = false
  const w = await unsure(() => isSure)
  const p = program(async (ctx) => ctx.effect('one', doing()))
  const run = await w.runs.start(p, null, { grants })
  await expect(w.runs.drive(run)).rejects.toMatchObject({ code: 'ICE_RUNS_OWNERSHIP_CONFLICT' })
  isSure = true
  expect(await w.runs.drive(run)).toMatchObject({ kind: 'concluded' })
  expect(w.acted).toEqual(['one'])
})

const undone = program(async (ctx) => {
  await ctx.effect('one', { ...doing(), compensation: doing({}, 'undo') })
  throw new TypeError('it went wrong')
})
const both = { g: toolGrant('do', 'undo') }

/** Verifies: RUN-R170 */
test.each([
  ['when it would begin to undo an effect records no beginning', 2, 'AbortReasonDeclared'],
  ['once that beginning is recorded does not undo it', 3, 'CompensationStarted'],
])('an owner that is not sure %s', async (_, sureFor, last) => {
  let asked = 0
  const w = await unsure(() => {
    asked += 1
    return asked <= sureFor
  })
  const run = await w.runs.start(undone, null, { grants: both })
  await expect(w.runs.drive(run)).rejects.toMatchObject({ code: 'ICE_RUNS_OWNERSHIP_CONFLICT' })
  expect(w.acted).toEqual(['one'])
  expect((await w.types(run)).at(-1)).toBe(last)
})
