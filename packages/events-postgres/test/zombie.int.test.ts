/** A worker that was stopped, taken for dead, and goes on as if no time had passed. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { composeTaxonomy, createEventLog, standardTypes } from '@ice/events'
import { type OwnerId, systemClock } from '@ice/primitives'
import { start } from '@ice/tooling/lib/children'
import { expect, it, onTestFinished } from 'vitest'
import { openPostgresEventStore, openPostgresOwnership } from '../src/index.ts'
import { gather, script } from './fixture.ts'
import { openProxy } from './proxy.ts'
import { admin, describeOnServer, freshSchema, server } from './server.ts'

const TIMEOUT_MS = 120_000

const told = (what: string) => (line: unknown) => String(line).startsWith(what)
const after = (line: unknown): string => String(line).split(' ')[1] ?? ''

/** Verifies: RUN-R170, EPG-R50 */
describeOnServer('a stopped worker', () => {
  it(
    'is taken over, and when it goes on it neither acts nor records anything',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ice-zombie-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      const witness = join(folder, 'witness')
      const lines = (): string[] =>
        existsSync(witness) ? readFileSync(witness, 'utf8').trim().split('\n') : []
      const many = (count: number, of: string) =>
        expect
          .poll(() => lines().filter((line) => line.startsWith(of)).length, { timeout: 60_000 })
          .toBeGreaterThan(count)
      const [schema, work] = [freshSchema(), freshSchema()]
      const args = [server.url, schema, work]

      const zombie = start(script('owner'), { args: [...args, 'zombie', witness] })
      const run = after(await zombie.until(told('run')))
      await many(3, 'zombie')
      zombie.process.kill('SIGSTOP')
      const heir = start(script('owner'), { args: [...args, 'heir', witness, run] })
      await many(2, 'heir')
      const acted = lines().filter((line) => line.startsWith('zombie')).length
      zombie.process.kill('SIGCONT')
      expect(await zombie.until(told('came to'))).toMatch(
        /came to (owned|ICE_RUNS_OWNERSHIP_CONFLICT), unsure/,
      )
      expect(await heir.until(told('came to'))).toBe('came to concluded, sure')

      expect(lines().filter((line) => line.startsWith('zombie'))).toHaveLength(acted)
      const store = await openPostgresEventStore({ connection: server.url, schema })
      onTestFinished(() => store.close())
      const taxonomy = composeTaxonomy(standardTypes)
      const log = createEventLog({ store, taxonomy, clock: systemClock })
      const events = await gather(log.read({ stream: `run/${run}` as never }))
      const count = (type: string) => events.filter((event) => event.type === type).length
      expect([count('RunClaimed'), count('EffectSucceeded'), count('RunCommitted')]).toEqual([
        1, 100, 1,
      ])
      // Only the effect that was in flight when it was stopped was tried twice.
      expect(count('CapabilityUsed')).toBeLessThanOrEqual(101)
      await Promise.all([zombie.ended(), heir.ended()])
    },
    TIMEOUT_MS,
  )
})

/** Verifies: EPG-R50 */
describeOnServer('a lease', () => {
  it('that was found over is never renewed, and its holder is told', async () => {
    const schema = freshSchema()
    const options = { connection: server.url, schema, leaseMs: 4_000 }
    const owner = await openPostgresOwnership(options)
    onTestFinished(() => owner.close())
    const other = await openPostgresOwnership(options)
    onTestFinished(() => other.close())
    expect(await other.status(owner.self)).toBe('alive')
    // As if the clock of the database had gone on without the holder.
    await admin((client) =>
      client.query(
        `UPDATE "${schema}".owners SET until = clock_timestamp() - interval '1 s' WHERE owner = $1`,
        [owner.self],
      ),
    )
    expect(await other.status(owner.self)).toBe('dead')
    await expect.poll(() => owner.lapsed.aborted, { timeout: 30_000 }).toBe(true)
    expect(owner.isSure()).toBe(false)
    expect(await owner.status(owner.self)).toBe('dead')
    expect(await other.status(owner.self)).toBe('dead')
    expect(await other.status('a\0b' as OwnerId)).toBe('dead')
  })

  it('outlives a connection that falls silent', { timeout: TIMEOUT_MS }, async () => {
    const schema = freshSchema()
    const other = await openPostgresOwnership({ connection: server.url, schema })
    onTestFinished(() => other.close())
    const proxy = await openProxy()
    const owner = await openPostgresOwnership({ connection: proxy.url, schema, leaseMs: 12_000 })
    onTestFinished(() => owner.close())
    const until = () =>
      admin(async (client) => {
        const text = `SELECT until FROM "${schema}".owners WHERE owner = $1`
        const { rows } = await client.query<{ until: Date }>(text, [owner.self])
        return rows[0]?.until.getTime() ?? 0
      })
    const first = await until()
    await expect.poll(until, { timeout: 30_000 }).toBeGreaterThan(first)
    // What it says next is swallowed, and its connection stays as if nothing had been.
    const before = proxy.swallowed
    proxy.weather('silent')
    await expect.poll(() => proxy.swallowed, { timeout: 30_000 }).toBeGreaterThan(before)
    proxy.weather('clear')
    const last = await until()
    await expect.poll(until, { timeout: 30_000 }).toBeGreaterThan(last)
    expect([owner.lapsed.aborted, await other.status(owner.self)]).toEqual([false, 'alive'])
  })

  it('of a length that is none is refused', async () => {
    for (const leaseMs of [0, 999, 1.5, 600_001, Number.NaN]) {
      const opened = openPostgresOwnership({ connection: server.url, leaseMs })
      await expect(opened).rejects.toMatchObject({ code: 'ICE_EVENTS_POSTGRES_OPTION_UNSUPPORTED' })
    }
  })
})
