/** Many processes, many connections, one log. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EVENTS_CODES, verifyLog } from '@ice/events'
import type { StreamId, StreamVersion } from '@ice/primitives'
import { start } from '@ice/tooling/lib/children'
import { expect, it } from 'vitest'
import { alice, gather, notes, open, script } from './fixture.ts'
import { admin, describeOnServer, freshSchema, server } from './server.ts'

/** What a writer says of each acknowledged unit. */
interface Said {
  readonly stream: StreamId
  readonly n: number
  readonly position: number
}

const isSaid = (line: unknown): line is Said => typeof line === 'object' && line !== null

const counted = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

/** Verifies: EPG-R09, EPG-R10 */
describeOnServer('several processes', () => {
  it('append to own and shared streams, and nothing is lost, doubled or out of place', async () => {
    const schema = freshSchema()
    const names = ['w0', 'w1', 'w2', 'w3']
    const writers = names.map((name) =>
      start(script('writer'), { args: [server.url, schema, name, '120', 'shared'] }),
    )
    for (const writer of writers) await writer.until((line) => line === 'done')
    const { store, log } = await open({ schema })
    const events = await gather(log.readAll({}))
    expect(events.map(({ position }) => position)).toEqual(counted(480))
    const shared = events.filter(({ stream }) => stream === 'note/shared')
    expect(shared.map(({ version }) => version)).toEqual(counted(240))
    for (const { said } of writers) {
      for (const { stream, n, position } of said.filter(isSaid)) {
        expect(events[position - 1]).toMatchObject({ stream, data: { n } })
      }
    }
    expect((await verifyLog(store)).findings).toEqual([])
  })

  it('create one log when they open it at once, and end by themselves', async () => {
    const schema = freshSchema()
    const openers = counted(5).map(() => start(script('opener'), { args: [server.url, schema] }))
    for (const opener of openers) {
      expect(await opener.until(isSaid)).toEqual({ head: 0 })
      expect((await opener.ended()).code).toBe(0)
    }
  })

  it('hear of what the others append', async () => {
    const near = await open()
    const far = await open({ schema: near.schema })
    const enough = new AbortController()
    const heard: string[] = []
    const following = (async () => {
      for await (const batch of far.log.subscribe({ signal: enough.signal })) {
        heard.push(...batch.map(({ id }) => id))
        if (heard.length === 30) enough.abort()
      }
    })()
    for (let n = 0; n < 30; n += 1) await near.log.append(notes(alice))
    await following
    expect(heard).toEqual(counted(30).map((n) => `note/alice@${n}`))
  })
})

/** Verifies: EPG-R21 */
describeOnServer('a notification that is lost', () => {
  it('costs a subscriber time, and no event', async () => {
    const near = await open()
    const far = await open({ schema: near.schema })
    const enough = new AbortController()
    const heard: string[] = []
    const following = (async () => {
      for await (const batch of far.log.subscribe({ signal: enough.signal })) {
        heard.push(...batch.map(({ id }) => id))
        if (heard.length === 6) enough.abort()
      }
    })()
    for (let n = 0; n < 6; n += 1) {
      // Whoever listens is cut off, again and again.
      await admin((client) =>
        client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN ice_%'`,
        ),
      )
      await near.log.append(notes(alice))
      await sleep(20)
    }
    await following
    expect(heard).toEqual(counted(6).map((n) => `note/alice@${n}`))
  })
})

/** Verifies: EPG-R09 */
describeOnServer('two writers on the same streams', () => {
  it('take turns by what stands there, in whatever they guessed', async () => {
    const near = await open()
    const far = await open({ schema: near.schema })
    const refused: unknown[] = []
    for (let round = 0; round < 30; round += 1) {
      const [one, other] = round % 2 === 0 ? [near, far] : [far, near]
      const expected = round as StreamVersion
      await one.log.append(notes(alice, 1, expected, `${round}`))
      // It last saw an earlier end, and its guess meets a place that is taken.
      const late = other.log.append(notes(alice, 1, expected, 'late'))
      const guarded = other.log.append({
        ...notes('note/bob' as StreamId),
        guards: [{ stream: alice, version: round }],
      })
      for (const settled of await Promise.allSettled([late, guarded])) {
        if (settled.status === 'rejected') refused.push(settled.reason.code)
      }
    }
    const conflicts = [EVENTS_CODES.versionConflict, EVENTS_CODES.guardConflict]
    expect(refused).toEqual(Array.from({ length: 30 }, () => conflicts).flat())
    const texts = await gather(near.log.readAll({}))
    expect(texts.map(({ data }) => (data as { text: string }).text)).toEqual(
      Array.from({ length: 30 }, (_, round) => `${round}`),
    )
    expect((await verifyLog(near.store)).findings).toEqual([])
  })
})

/** Verifies: EPG-R11 */
describeOnServer('a reader that asks for what comes after the last it saw', () => {
  it('misses nothing under sixty-four writers', { timeout: 60_000 }, async () => {
    const reader = await open()
    const { schema } = reader
    const writers = await Promise.all(counted(64).map(() => open({ schema, readersMax: 1 })))
    let isDone = false
    const appending = Promise.all(
      writers.map(async ({ log }, n) => {
        for (let i = 0; i < 10; i += 1) {
          await log.append(notes(`note/w${n}` as StreamId, 1, i as StreamVersion))
        }
      }),
    ).then(() => {
      isDone = true
    })
    const seen: number[] = []
    while (!isDone || seen.length < 640) {
      const wasDone = isDone
      const events = await gather(reader.store.readAll({ after: seen.at(-1) ?? 0 }))
      seen.push(...events.map(({ position }) => position))
      if (wasDone && events.length === 0) break
    }
    await appending
    expect(seen).toEqual(counted(640))
  })
})

/** Verifies: EPG-R15 */
describeOnServer('a writer that is stopped for a while', () => {
  it('holds nobody up for long, and goes on without loss when it wakes', async () => {
    const { log, store, schema } = await open()
    const writer = start(script('writer'), { args: [server.url, schema, 'z', '0', 'flood'] })
    await writer.until(isSaid)
    for (let round = 0; round < 3; round += 1) {
      writer.process.kill('SIGSTOP')
      await log.append(notes(alice, 1, round as StreamVersion))
      // Long enough for the server to end what the writer had begun.
      await sleep(600)
      await log.append(notes('note/bob' as StreamId, 1, round as StreamVersion))
      const before = writer.said.length
      writer.process.kill('SIGCONT')
      await writer.until((line) => isSaid(line) && writer.said.length > before + 16)
    }
    writer.process.kill('SIGKILL')
    await writer.ended()
    const events = await gather(log.readAll({}))
    const said = writer.said.filter(isSaid)
    expect(said.length).toBeGreaterThan(48)
    for (const { stream, n, position } of said) {
      expect(events[position - 1]).toMatchObject({ stream, version: n + 1, data: { n } })
    }
    expect((await verifyLog(store)).findings).toEqual([])
  })
})
