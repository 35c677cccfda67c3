import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeProcesses, proc } from '@ice/effects'
import type { RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { GrantSpec, RunContext } from '@ice/runs/ports'
import { afterEach, describe, expect, it } from 'vitest'
import { createRuntime, type Runtime } from '../src/index.ts'

const closing: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function open(): Promise<Runtime> {
  const ice = await createRuntime({ path: ':memory:' })
  closing.push(() => ice.close())
  return ice
}

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), 'ice-processes-'))
  closing.push(() => rmSync(root, { recursive: true }))
  return root
}

const any = { parse: (value: unknown): unknown => value }

const asking = (run: (context: RunContext) => Promise<unknown>) =>
  defineProgram({ name: 'starts', version: '1', input: any, output: any, run })

async function typesOf(ice: Runtime, run: RunId): Promise<readonly string[]> {
  const events: RecordedEvent[] = []
  for await (const batch of ice.log.read({ stream: `run/${run}` as never })) events.push(...batch)
  return events.map(({ type }) => type)
}

const { sandbox: hasBox } = await describeProcesses()
const TOUCH = '/usr/bin/touch'

/** What a grant and a call say where there is no box. */
const bare = { write: true, network: true, sandbox: 'unsandboxed' } as const

const grantIn = (root: string, more: object = {}): GrantSpec => ({
  actions: ['proc.run'],
  resource: {
    kind: 'proc',
    root,
    programs: [{ path: TOUCH, args: { words: [{ oneOf: ['made'] }] } }],
    write: true,
    ...more,
  },
})

/** Verifies: EFF-R20, EFF-R25, EFF-R26 */
describe('programs under a runtime', () => {
  it('are started under a grant, and what they did is recorded once', async () => {
    const [ice, root] = [await open(), folder()]
    const request = proc.run('tools', { program: TOUCH, args: ['made'], ...bare })
    const program = asking((context) => context.effect('touch', request))
    const grants = { tools: grantIn(root, bare) }
    const { run, stretch } = await ice.runs.execute(program, {}, { grants })
    expect(stretch).toMatchObject({
      result: { conclusion: 'committed', value: { ended: 'exit', exitCode: 0 } },
    })
    expect(readFileSync(join(root, 'made'), 'utf8')).toBe('')
    const settled = ['CapabilityUsed', 'EffectSucceeded']
    expect((await typesOf(ice, run)).filter((type) => settled.includes(type))).toEqual(settled)
  })

  it('are refused an argument their grant does not hold, before anything is started', async () => {
    const [ice, root] = [await open(), folder()]
    const request = proc.run('tools', { program: TOUCH, args: ['other'], ...bare })
    const program = asking(async (context) => (await context.attempt('touch', request)).kind)
    const grants = { tools: grantIn(root, bare) }
    const { run, stretch } = await ice.runs.execute(program, {}, { grants })
    expect(stretch).toMatchObject({ result: { value: 'denied' } })
    expect(await typesOf(ice, run)).not.toContain('CapabilityUsed')
  })

  it.skipIf(!hasBox)('are in a box unless the grant says otherwise', async () => {
    const [ice, root] = [await open(), folder()]
    const request = proc.run('tools', { program: TOUCH, args: ['made'], write: true })
    const program = asking((context) => context.effect('touch', request))
    const { stretch } = await ice.runs.execute(program, {}, { grants: { tools: grantIn(root) } })
    expect(stretch).toMatchObject({ result: { value: { ended: 'exit', exitCode: 0 } } })
    expect(readFileSync(join(root, 'made'), 'utf8')).toBe('')
  })
})
