/** Verifies: EVT-R33, EVT-R34 */
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { EVENTS_CODES, EventsError } from '../src/errors.ts'
import { createBell, follow, type Page } from '../src/follow.ts'
import type { StoredEvent } from '../src/ports.ts'

const event = (position: number): StoredEvent => ({ position, bytes: '', hash: '' }) as never

describe('a bell', () => {
  test('remembers a ring that came before the wait', async () => {
    const bell = createBell()
    const seen = bell.count
    bell.ring()
    await bell.wait(seen, undefined)
    expect(bell.count).toBe(seen + 1)
  })

  test('wakes everyone who waits, once', async () => {
    const bell = createBell()
    const woken: string[] = []
    const waits = ['a', 'b'].map((name) =>
      bell.wait(bell.count, undefined).then(() => woken.push(name)),
    )
    await setImmediate()
    expect(woken).toEqual([])
    bell.ring()
    bell.ring()
    await Promise.all(waits)
    expect(woken).toEqual(['a', 'b'])
  })

  test('leaves no listener on a signal it was not woken by', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const added: string[] = []
    signal.addEventListener = new Proxy(signal.addEventListener, {
      apply: (target, self, args) => {
        added.push('+')
        return Reflect.apply(target, self, args)
      },
    })
    signal.removeEventListener = new Proxy(signal.removeEventListener, {
      apply: (target, self, args) => {
        added.push('-')
        return Reflect.apply(target, self, args)
      },
    })
    const bell = createBell()
    for (let i = 0; i < 3; i += 1) {
      const wait = bell.wait(bell.count, signal)
      bell.ring()
      await wait
    }
    expect(added.join('')).toBe('+-+-+-')
  })

  test('wakes on close and on abort, and no one waits after either', async () => {
    const bell = createBell()
    const controller = new AbortController()
    const aborted = bell.wait(bell.count, controller.signal)
    controller.abort()
    await aborted
    await bell.wait(bell.count, controller.signal)
    const closed = bell.wait(bell.count, undefined)
    bell.close()
    await closed
    await bell.wait(bell.count, undefined)
    expect(bell.closed).toBe(true)
  })
})

describe('following', () => {
  test('gives up the turn between pages that match nothing', async () => {
    const bell = createBell()
    let pages = 0
    const readPage = (after: number): Page => {
      pages += 1
      return {
        events: after === 99 ? [event(100)] : [],
        upTo: after + 1,
        end: after === 99,
        head: 100,
      }
    }
    const first = follow({}, readPage, bell).next()
    await setImmediate()
    expect(pages).toBeLessThan(100)
    expect((await first).value).toEqual([event(100)])
    expect(pages).toBe(100)
  })

  test('asks again for what came while it was reading the last page', async () => {
    const bell = createBell()
    const log = [event(1)]
    const readPage = (after: number): Page => {
      const events = log.slice(after)
      if (log.length === 1) {
        log.push(event(2))
        bell.ring()
      }
      return { events, upTo: after + events.length, end: true, head: 2 }
    }
    const following = follow({}, readPage, bell)
    expect((await following.next()).value).toEqual([event(1)])
    expect((await following.next()).value).toEqual([event(2)])
    bell.close()
    expect((await following.next()).done).toBe(true)
  })

  const refusal = new EventsError(EVENTS_CODES.notOpen, 'the store is closed')

  test('ends without an error when the store closes while a page is read', async () => {
    const bell = createBell()
    const readPage = async (): Promise<Page> => {
      bell.close()
      await setImmediate()
      throw refusal
    }
    expect(await follow({}, readPage, bell).next()).toEqual({ done: true, value: undefined })
  })

  test('ends without an error when the reader leaves while a page is read', async () => {
    const controller = new AbortController()
    const readPage = async (): Promise<Page> => {
      controller.abort()
      await setImmediate()
      throw refusal
    }
    const following = follow({ signal: controller.signal }, readPage, createBell())
    expect(await following.next()).toEqual({ done: true, value: undefined })
  })

  test('fails with what a page is refused with while nobody has ended it', async () => {
    const following = follow({}, () => Promise.reject(refusal), createBell())
    await expect(following.next()).rejects.toBe(refusal)
  })
})
