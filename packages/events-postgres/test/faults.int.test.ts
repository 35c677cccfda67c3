/** Connections that break, networks that swallow, servers that die: nothing is lost or doubled. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EVENTS_CODES, verifyLog } from '@ice/events'
import { hasCode, type StreamId, type StreamVersion } from '@ice/primitives'
import { expect, it } from 'vitest'
import type { PostgresEventStoreOptions } from '../src/index.ts'
import { alice, gather, notes, type Opened, open } from './fixture.ts'
import { openProxy } from './proxy.ts'
import { describeOnOwnServer, describeOnServer, server } from './server.ts'

const none = 0 as StreamVersion

/** Gives up early on what is silent. */
const IMPATIENT: Partial<PostgresEventStoreOptions> = {
  lockWaitMs: 20_000,
  statementTimeoutMs: 1_000,
  silentTransactionMs: 300,
  connectTimeoutMs: 500,
}

interface Told {
  readonly acknowledged: Set<string>
  readonly refused: { readonly key: string; readonly error: unknown }[]
}

/** Appends to streams of its own, one after another in each, until it is told to stop. */
async function flood(
  { log }: Opened,
  { lanes, name, stop }: { lanes: number; name: string; stop: AbortSignal },
): Promise<Told> {
  const told: Told = { acknowledged: new Set(), refused: [] }
  const lane = async (number: number): Promise<void> => {
    const stream = `note/${name}-${number}` as StreamId
    for (let n = 0; !stop.aborted; n += 1) {
      const key = `${stream}@${n + 1}`
      try {
        await log.append(notes(stream, 1, n as StreamVersion, key))
        told.acknowledged.add(key)
      } catch (error) {
        told.refused.push({ key, error })
        return
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
  return told
}

/** Waits until the log has grown. */
async function grown({ store }: Opened): Promise<void> {
  const { position } = await store.head()
  while ((await store.head()).position === position) await sleep(5)
}

/** Everything acknowledged stands there, once, and the log holds together. */
async function expectKept(opened: Opened, acknowledged: Iterable<string>): Promise<void> {
  const events = await gather(opened.log.readAll({}))
  const ids = new Set<string>(events.map(({ id }) => id))
  expect([...acknowledged].filter((key) => !ids.has(key))).toEqual([])
  expect(ids.size).toBe(events.length)
  // The text of each event is the place it was meant for: nothing stands in another's place.
  const misplaced = events.filter(({ id, data }) => (data as { text: string }).text !== id)
  expect(misplaced).toEqual([])
  expect((await verifyLog(opened.store)).findings).toEqual([])
}

/** Verifies: EPG-R12, EPG-R13 */
describeOnServer('a commit whose answer is lost', () => {
  it('is acknowledged when it happened, and is there once', async () => {
    const proxy = await openProxy()
    const { log } = await open({ connection: proxy.url })
    await log.append(notes(alice, 1, none))
    proxy.weather('answer-lost')
    const appended = await log.append(notes(alice, 2, 1 as StreamVersion))
    expect(appended).toMatchObject({ writes: [{ version: 3, positions: [2, 3] }] })
    expect([proxy.lost, await log.store.head()]).toEqual([1, { position: 3 }])
  })

  it('is written again when it did not happen, and is there once', async () => {
    const proxy = await openProxy()
    const { log } = await open({ connection: proxy.url })
    proxy.weather('commit-lost')
    const [first, second] = await Promise.all([
      log.append(notes(alice, 1, none)),
      log.append(notes(alice, 1, 'any')),
    ])
    expect([first.writes[0]?.version, second.writes[0]?.version]).toEqual([1, 2])
    expect([proxy.lost, await log.store.head()]).toEqual([1, { position: 2 }])
  })

  it('leaves a unit of any version in doubt when it happened', async () => {
    const proxy = await openProxy()
    const { log } = await open({ connection: proxy.url })
    proxy.weather('answer-lost')
    const units = [notes(alice, 1, 'any'), notes('note/bob' as StreamId, 1, none)]
    const [any, own] = await Promise.allSettled(units.map((unit) => log.append(unit)))
    expect(any).toMatchObject({
      status: 'rejected',
      reason: { code: EVENTS_CODES.unavailable, data: { fate: 'unknown' } },
    })
    expect(own?.status).toBe('fulfilled')
    expect(await log.store.head()).toEqual({ position: 2 })
  })
})

/** Verifies: EPG-R13 */
describeOnServer('settling a commit', () => {
  it('works although another writer has gone on meanwhile', async () => {
    const proxy = await openProxy()
    const one = await open({ connection: proxy.url })
    const other = await open({ schema: one.schema })
    for (const weather of ['answer-lost', 'commit-lost'] as const) {
      const { position } = await other.store.head()
      proxy.weather(weather)
      const expected = (await gather(one.log.read({ stream: alice }))).length
      const mine = one.log.append(notes(alice, 1, expected as StreamVersion))
      const theirs = Array.from({ length: 20 }, () =>
        other.log.append(notes('note/other' as StreamId)),
      )
      await Promise.all([mine, ...theirs])
      expect(await other.store.head()).toEqual({ position: position + 21 })
    }
    expect((await gather(one.log.read({ stream: alice }))).length).toBe(2)
  })

  it('works through a network that falls silent at the commit', async () => {
    const proxy = await openProxy()
    const { log, store } = await open({ ...IMPATIENT, lockWaitMs: 2_000, connection: proxy.url })
    proxy.weather('silent-at-commit')
    const appending = log.append(notes(alice, 1, none)).catch((error: unknown) => error)
    await sleep(600)
    proxy.weather('clear')
    const answer = await appending
    const kept = await store.head()
    if (hasCode(answer, EVENTS_CODES.unavailable)) {
      // Given up: then the retry the port promises must find out.
      expect((answer as { data: unknown }).data).toMatchObject({ fate: 'unknown' })
      await log.append(notes(alice, 1, none))
    } else {
      expect(answer).toMatchObject({ writes: [{ version: 1, positions: [1] }] })
      expect(kept).toEqual({ position: 1 })
    }
    expect(await store.head()).toEqual({ position: 1 })
  })
})

/** Verifies: EPG-R12, EPG-R13 */
describeOnServer('a network that cannot be relied on', () => {
  it('loses and doubles nothing in twenty partitions', { timeout: 60_000 }, async () => {
    const proxy = await openProxy()
    const near = await open()
    const far = await open({ ...IMPATIENT, connection: proxy.url, schema: near.schema })
    const stop = new AbortController()
    const flooding = [
      flood(near, { lanes: 4, name: 'near', stop: stop.signal }),
      flood(far, { lanes: 8, name: 'far', stop: stop.signal }),
    ]
    const kinds = ['cut', 'commit-lost', 'answer-lost', 'cut'] as const
    // On a slow disk few commits meet the weather: it goes on until some have been lost.
    for (let round = 0; round < 20 || (proxy.lost < 5 && round < 400); round += 1) {
      proxy.weather(kinds[round % 4] ?? 'cut')
      await sleep(20 + ((round * 7) % 40))
      proxy.weather('clear')
      await sleep(30 + ((round * 13) % 50))
    }
    stop.abort()
    const told = await Promise.all(flooding)
    expect(told.map(({ refused }) => refused)).toEqual([[], []])
    expect(proxy.lost).toBeGreaterThanOrEqual(5)
    await expectKept(
      near,
      told.flatMap(({ acknowledged }) => [...acknowledged]),
    )
  })

  it('a subscriber goes on where it was', async () => {
    const proxy = await openProxy()
    const near = await open()
    const far = await open({ ...IMPATIENT, connection: proxy.url, schema: near.schema })
    await near.log.append(notes(alice, 3))
    const enough = new AbortController()
    const heard: number[] = []
    const following = (async () => {
      for await (const batch of far.log.subscribe({ signal: enough.signal })) {
        heard.push(...batch.map(({ position }) => position))
        if (heard.length >= 9) enough.abort()
      }
    })()
    for (let round = 0; round < 2; round += 1) {
      proxy.weather('cut')
      await near.log.append(notes(alice, 3))
      await sleep(150)
      proxy.weather('clear')
    }
    await following
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

/** Verifies: EPG-R12, EPG-R14 */
describeOnOwnServer('a server that is killed', () => {
  it('loses nothing acknowledged and doubles nothing, twenty times over', {
    timeout: 120_000,
  }, async () => {
    const opened = await open(IMPATIENT)
    const stop = new AbortController()
    const flooding = flood(opened, { lanes: 16, name: 'k', stop: stop.signal })
    for (let round = 0; round < 20; round += 1) {
      // So that every kill meets a server at work, with commits under way.
      await grown(opened)
      await sleep((round * 37) % 60)
      await server.power?.cut()
      await server.power?.restore()
    }
    await grown(opened)
    stop.abort()
    const { acknowledged, refused } = await flooding
    expect(refused).toEqual([])
    expect(acknowledged.size).toBeGreaterThan(100)
    await expectKept(opened, acknowledged)
  })

  it('is told as unavailable when it stays away, and a retry is safe', async () => {
    const opened = await open({ ...IMPATIENT, lockWaitMs: 300 })
    const stop = new AbortController()
    const flooding = flood(opened, { lanes: 8, name: 'd', stop: stop.signal })
    await sleep(50)
    await server.power?.cut()
    const { acknowledged, refused } = await flooding
    await expect(opened.store.head()).rejects.toMatchObject({
      code: EVENTS_CODES.unavailable,
      data: { reason: 'connection', fate: 'none' },
    })
    await server.power?.restore()
    expect(refused.length).toBe(8)
    for (const { key, error } of refused) {
      expect(error).toMatchObject({ code: EVENTS_CODES.unavailable, retryable: true })
      const [stream, version] = key.split('@') as [StreamId, string]
      await opened.log.append(notes(stream, 1, (Number(version) - 1) as StreamVersion, key))
      acknowledged.add(key)
    }
    await expectKept(opened, acknowledged)
    expect((await opened.store.head()).position).toBe(acknowledged.size)
  })
})
