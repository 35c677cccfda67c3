/** A runtime on a log of which older runs were moved to segments. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyLog } from '@ice/events'
import { type ArchivedEventStore, retain } from '@ice/events-archive'
import { systemClock, type Timestamp } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createRuntime } from '../src/index.ts'

const double = defineProgram({
  name: 'double',
  version: '1',
  input: z.int(),
  output: z.int(),
  run: async (_ctx, n) => n * 2,
})

/** Verifies: RTM-R01 */
describe('a runtime whose older runs were moved', () => {
  it('opens, has their results, and goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ice-runtime-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'ice.db')
    const first = await createRuntime({ path })
    const { run } = await first.runs.execute(double, 21, { key: 'once' })
    const report = await retain(first.log, {
      archive: first.log.store as ArchivedEventStore,
      clock: { now: () => (systemClock.now() + 1) as Timestamp },
      policy: { concludedForMs: 0 },
    })
    expect(report.moved.runs).toBe(1)
    await first.close()
    expect(readdirSync(`${path}.segments`)).toHaveLength(1)

    const again = await createRuntime({ path })
    onTestFinished(() => again.close())
    expect(await again.runs.result(run)).toEqual({ conclusion: 'committed', value: 42 })
    const same = await again.runs.execute(double, 21, { key: 'once' })
    expect(same.run).toBe(run)
    const next = await again.runs.execute(double, 4)
    expect(await again.runs.result(next.run)).toEqual({ conclusion: 'committed', value: 8 })
    expect((await verifyLog(again.log.store)).findings).toEqual([])
  })
})
