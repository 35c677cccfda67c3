import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { verifyLog } from '@ice/events'
import type { StreamId } from '@ice/primitives'
import { start } from '@ice/tooling/lib/children'
import { describe, expect, it } from 'vitest'
import { alice, folder, gather, notes, open, script } from './fixture.ts'

/** What a writer says of each acknowledged unit. */
interface Said {
  readonly stream: StreamId
  readonly n: number
  readonly position: number
}

const isSaid = (line: unknown): line is Said => typeof line === 'object' && line !== null

/** Verifies: ESQ-R20 */
describe('several processes', () => {
  it('append to own and shared streams, and nothing is lost, doubled or out of place', async () => {
    const path = join(folder(), 'log.db')
    const names = ['w0', 'w1', 'w2', 'w3']
    const writers = names.map((name) =>
      start(script('writer'), { args: [path, name, '500', 'shared'] }),
    )
    for (const writer of writers) await writer.until((line) => line === 'done')
    const { store, log } = open({ path })
    const events = await gather(log.readAll({}))
    expect(events.length).toBe(2000)
    expect(events.map(({ position }) => position)).toEqual(
      Array.from({ length: 2000 }, (_, i) => i + 1),
    )
    const shared = events.filter(({ stream }) => stream === 'note/shared')
    expect(shared.map(({ version }) => version)).toEqual(
      Array.from({ length: 1000 }, (_, i) => i + 1),
    )
    for (const writer of writers) {
      for (const said of writer.said.filter(isSaid)) {
        const event = events[said.position - 1]
        expect(event).toMatchObject({ stream: said.stream, data: { n: said.n } })
      }
    }
    expect((await verifyLog(store)).findings).toEqual([])
  })

  it('create one log when they open it at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const path = join(folder(), 'log.db')
      const openers = Array.from({ length: 6 }, () => start(script('opener'), { args: [path] }))
      for (const opener of openers) {
        expect(await opener.until(isSaid)).toEqual({ head: 0 })
        await opener.ended()
      }
      expect(readdirSync(join(path, '..'))).toEqual(['log.db'])
    }
  })

  it('hear of what the others append', async () => {
    const { path, log } = open({ subscribersKeepAlive: true })
    await log.append(notes(alice, 2))
    const controller = new AbortController()
    const heard: string[] = []
    const following = (async () => {
      for await (const batch of log.subscribe({ after: 1, signal: controller.signal })) {
        heard.push(...batch.map(({ id }) => id))
        if (heard.length === 31) controller.abort()
      }
    })()
    const writer = start(script('writer'), { args: [path, 'bob', '30'] })
    await writer.until((line) => line === 'done')
    await following
    expect(heard).toEqual([
      'note/alice@2',
      ...Array.from({ length: 30 }, (_, i) => `note/bob@${i + 1}`),
    ])
  })
})

/** Verifies: ESQ-R21 */
describe('a writer killed in the middle of appending', () => {
  it('has lost no acknowledged unit, twenty times over', async () => {
    const path = join(folder(), 'log.db')
    const acknowledged: Said[] = []
    for (let round = 0; round < 20; round += 1) {
      const writer = start(script('writer'), { args: [path, `k${round}`, '0', 'flood'] })
      const wanted = 1 + ((round * 37) % 400)
      await writer.until((line) => isSaid(line) && writer.said.length > wanted)
      writer.process.kill('SIGKILL')
      expect((await writer.ended()).signal).toBe('SIGKILL')
      acknowledged.push(...writer.said.filter(isSaid))
    }
    const { store, log } = open({ path })
    const events = await gather(log.readAll({}))
    expect(acknowledged.length).toBeGreaterThan(1000)
    expect(events.length).toBeGreaterThanOrEqual(acknowledged.length)
    for (const { stream, n, position } of acknowledged) {
      expect(events[position - 1]).toMatchObject({ stream, version: n + 1, data: { n } })
    }
    expect((await verifyLog(store)).findings).toEqual([])
  })
})
