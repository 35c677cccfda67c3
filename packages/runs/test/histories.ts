/**
 * The recorded histories: one export (RFC 0003) for each thing a run can do.
 *
 * One that is there is never made anew: what an earlier version recorded has to be replayed by
 * every later one. `ICE_UPDATE_FIXTURES=1` records those that are missing, with a clock that stands
 * still and ids out of a seed, and adds them to the list of digests.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  composeTaxonomy,
  createEventLog,
  exportLog,
  importLog,
  memoryEventStore,
  standardTypes,
} from '@ice/events'
import type { EventLog } from '@ice/events/ports'
import { type RunId, seededRandom } from '@ice/primitives'
import { type ManualClock, manualClock } from '@ice/primitives/testing'
import type { EffectHandler, GrantSpec, Program } from '../src/ports.ts'
import { tool, toolGrant, type World, world } from './harness.ts'
import * as all from './history-programs.ts'

const FOLDER = join(import.meta.dirname, 'fixtures/histories')
const SUMS = join(FOLDER, 'SHA256SUMS')
const START_MS = 1_800_000_000_000

const spawn: GrantSpec = {
  actions: ['run.spawn'],
  resource: { kind: 'spawn', names: ['h-child'], widthMax: 4 },
  delegable: 2,
}
const g = { ...toolGrant('do', 'fail', 'send'), delegable: 1 }
const asked: GrantSpec = { ...toolGrant('do'), caveats: [{ kind: 'approval' }] }
const grants = { g }

interface Stage extends World {
  readonly clock: ManualClock
}

type Recorder = (stage: Stage) => Promise<void>

const runs: Readonly<Record<string, Recorder>> = {
  effects: async (stage) => {
    await concluded(stage, all.acting, { text: 'ü' }, grants)
  },
  waits: async (stage) => {
    const run = await suspended(stage, all.waits, null, grants)
    await stage.runs.signal(run, { signal: 'paid', payload: { sum: 7 } })
    await stage.clock.advance(86_400_000)
    await stage.runs.drive(run)
    await stage.clock.advance(60_000)
    await stage.runs.drive(run)
    await concluded(stage, all.refused, null, {})
    await stage.runs.drive(run)
  },
  branches: async (stage) => {
    await concluded(stage, all.branches, null, grants)
  },
  children: async (stage) => {
    const { run } = await stage.runs.execute(all.parent, null, { grants: { g, spawn } })
    for (let left = 8; left > 0; left -= 1) {
      for await (const { run: each } of stage.runs.list()) await stage.runs.drive(each)
    }
    await ended(stage, run)
  },
  successors: async (stage) => {
    const { run } = await stage.runs.execute(all.line, 2, { grants })
    for (let left = 4; left > 0; left -= 1) {
      for await (const { run: each } of stage.runs.list()) await stage.runs.drive(each)
    }
    await ended(stage, run)
  },
  patches: async (stage) => {
    const old = await suspended(stage, all.unpatched, 'old', grants)
    const fresh = await suspended(stage, all.patched, 'new', grants)
    const taken = await suspended(stage, all.unpatched, 'taken over', grants)
    await stage.clock.advance(1_000_000)
    await stage.runs.drive(old)
    await stage.runs.drive(fresh)
    stage.die()
    const later = await stage.another('bob', { programs: [all.patched] })
    await later.runs.drive(taken)
  },
  approvals: async (stage) => {
    const run = await suspended(stage, all.approvals, null, { g, asked })
    const say = async (step: string, approved: boolean): Promise<void> => {
      const principal = 'os:ann' as never
      await stage.runs.answer(run, { step, approved, principal, comment: `about ${step}` })
      await stage.runs.drive(run)
    }
    await say('question', true)
    await say('yes', true)
    await say('no', false)
    await stage.clock.advance(1_000)
    await stage.runs.drive(run)
    await ended(stage, run)
  },
  doubts: async (stage) => {
    const run = await stage.runs.start(all.doubts, null, { grants })
    await stage.runs.drive(run)
    const evidence = 'the post office says so'
    await stage.runs.resolveDoubt(run, { effect: 'send', happened: true, result: 'sent', evidence })
    await stage.runs.drive(run)
    await ended(stage, run)
  },
  references: async (stage) => {
    const input = { document: 'a letter' }
    const options = { grants, hold: ['/document'], labels: { '': STRANGER } }
    const { run } = await stage.runs.execute(all.references, input, options)
    await ended(stage, run)
  },
  ends: async (stage) => {
    await concluded(stage, all.refused, null, {})
    await concluded(stage, all.thrown, null, grants)
    const run = await suspended(stage, all.open, 1, grants)
    await stage.runs.abort(run, { reason: 'no longer wanted' })
    const other = await suspended(stage, all.open, 2, grants)
    await stage.runs.abort(other, { reason: 'now', force: true })
    await suspended(stage, all.open, 3, grants)
  },
}

const STRANGER = { sources: ['net:example.com'], readers: null }

const handlers: readonly EffectHandler[] = [
  tool('do'),
  tool('fail', 'idempotent', () => {
    throw Object.assign(new Error('closed'), { code: 'SHOP_CLOSED' })
  }),
  tool('send', 'irreversible', () => {
    throw Object.assign(new Error('no answer'), { code: 'POST_SENT_IN_DOUBT' })
  }),
]

async function concluded(stage: Stage, program: Program, input: unknown, given: object) {
  const { run } = await stage.runs.execute(program, input, { grants: given as typeof grants })
  await ended(stage, run)
}

async function suspended(stage: Stage, program: Program, input: unknown, given: object) {
  const options = { grants: given as typeof grants }
  const { run, stretch } = await stage.runs.execute(program, input, options)
  if (stretch.kind !== 'suspended') throw new Error(`${program.name} is ${stretch.kind}`)
  return run
}

async function ended(stage: Stage, run: RunId): Promise<void> {
  const { state } = await stage.runs.view(run)
  if (state !== 'TERMINATED') throw new Error(`run ${run} is ${state}`)
}

/** The names of all histories that there are to be. */
export const historyNames: readonly string[] = Object.keys(runs)

/** Records one history. @returns the lines of its export */
export async function recordHistory(name: string): Promise<string> {
  const clock = manualClock(START_MS)
  const store = memoryEventStore({ clock, incarnation: `history-${name}` })
  const random = seededRandom(name)
  const programs = all.programs.filter(({ version }) => version === '1')
  const stage = await world({ store, clock, random, programs, effects: handlers })
  await runs[name]?.({ ...stage, clock })
  await stage.runs.close()
  let text = ''
  for await (const lines of exportLog(store)) text += lines
  return text
}

/** Records those that are missing. */
export async function recordMissing(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  for (const name of historyNames) {
    if (!existsSync(pathOf(name))) writeFileSync(pathOf(name), await recordHistory(name))
  }
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl'))
  const sums = names.sort().map((name) => `${sumOf(join(FOLDER, name))}  ${name}\n`)
  writeFileSync(SUMS, sums.join(''))
}

/** Where a history is. */
export function pathOf(name: string): string {
  return join(FOLDER, `${name}.jsonl`)
}

/** The digests of all histories, as they were written down and as they are. */
export function digests(): { readonly noted: string; readonly found: string } {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl'))
  const found = names.sort().map((name) => `${sumOf(join(FOLDER, name))}  ${name}\n`)
  return { noted: readFileSync(SUMS, 'utf8'), found: found.join('') }
}

function sumOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** The log that a history was exported from. */
export async function openHistory(name: string): Promise<EventLog> {
  const clock = manualClock(START_MS)
  const store = memoryEventStore({ clock, incarnation: `history-${name}` })
  const taxonomy = composeTaxonomy(standardTypes)
  await importLog(store, [readFileSync(pathOf(name))], { taxonomy })
  return createEventLog({ store, taxonomy, clock })
}
