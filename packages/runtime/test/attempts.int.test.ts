import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordedEvent } from '@ice/events/ports'
import type { RunId } from '@ice/primitives'
import { start } from '@ice/tooling/lib/children'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRuntime } from '../src/index.ts'
import { act, trying } from './trying.ts'

interface Said {
  readonly run: RunId
  readonly type: string
  readonly attempt: number
  readonly at: number
}

/** Verifies: RUN-R110 */
describe('an owner that is killed', () => {
  it.each([
    ['between two attempts', 'EffectRetryScheduled', [1, 2]],
    ['at the second attempt', 'CapabilityUsed', [1, 2, 3]],
  ])('%s leaves their number and their time to the next', async (_when, last, numbers) => {
    const root = mkdtempSync(join(tmpdir(), 'ice-attempts-'))
    onTestFinished(() => rmSync(root, { recursive: true, force: true }))
    const path = join(root, 'ice.db')
    const child = start(new URL('./children/trying.ts', import.meta.url), { args: [path] })
    const scheduled = (await child.until((line) => {
      return (line as Said).type === 'EffectRetryScheduled'
    })) as Said
    if (last === 'CapabilityUsed') {
      await child.until((line) => (line as Said).type === last && (line as Said).attempt === 2)
    }
    child.process.kill('SIGKILL')
    await child.ended()
    const ice = await createRuntime({
      ...{ path, bare: true, programs: [trying], effects: [act(() => 'done')] },
    })
    onTestFinished(() => ice.close())
    const { run } = scheduled
    const stretch = await ice.runs.drive(run, { wait: true })
    expect(stretch).toMatchObject({ result: { conclusion: 'committed' } })
    const events: RecordedEvent[] = []
    for await (const batch of ice.log.read({ stream: `run/${run}` as never })) {
      events.push(...batch)
    }
    const of = (type: string) => events.filter((event) => event.type === type)
    const intents = of('CapabilityUsed')
    const attempts = intents.map(({ data }) => (data as Said).attempt)
    expect(attempts.length).toBeGreaterThanOrEqual(numbers.length)
    expect(attempts).toEqual(attempts.map((_, i) => i + 1))
    expect(of('EffectRetryScheduled')[0]?.data).toMatchObject({ attempt: 1, at: scheduled.at })
    expect(intents[1]?.time).toBeGreaterThanOrEqual(scheduled.at)
    expect(of('EffectSucceeded')).toHaveLength(1)
    expect(of('RunClaimed')).toHaveLength(1)
  })
})
