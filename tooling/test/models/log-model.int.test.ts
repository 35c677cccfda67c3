import { type EventStore, memoryEventStore } from '@ice/events'
import type { Clock } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holdToModel } from '../../src/models/log-model.ts'
import { logSteps } from '../../src/models/log-steps.ts'

type Spoil = (store: EventStore) => Partial<EventStore>

/** Two connections to one store in memory, which stays open when one of them is closed. */
const subjectOf = (spoil: Spoil) => {
  let shared: EventStore | undefined
  return {
    open(clock: Clock): EventStore {
      shared ??= memoryEventStore({ clock })
      return { ...shared, ...spoil(shared), close: async () => undefined }
    },
  }
}

const check = (spoil: Spoil) =>
  fc.check(
    fc.asyncProperty(logSteps, (steps) => holdToModel(subjectOf(spoil), steps)),
    { numRuns: 150, seed: 7, endOnFailure: true },
  )

const SPOILT: readonly (readonly [promise: string, spoil: Spoil])[] = [
  ['guards', (store) => ({ append: (unit) => store.append({ ...unit, guards: [] }) })],
  ['deadlines', (store) => ({ append: ({ notAfter: _, ...unit }) => store.append(unit) })],
  ['limits', (store) => ({ read: ({ limit: _, ...query }) => store.read(query) })],
  ['filters', (store) => ({ readAll: ({ filter: _, ...query }) => store.readAll(query) })],
  ['blobs', (store) => ({ blobs: { ...store.blobs, has: async () => true } })],
  ['withdrawals', (store) => ({ append: ({ signal: _, ...unit }) => store.append(unit) })],
  ['places', (store) => ({ subscribe: (query) => store.subscribe({ ...query, after: 0 }) })],
]

describe('what is held to the model', () => {
  it('is like it when it is the model itself', async () => {
    expect((await check(() => ({}))).failed).toBe(false)
  })

  it.each(SPOILT)('is told from it when it has no %s', async (_, spoil) => {
    expect((await check(spoil)).failed).toBe(true)
  })
})
