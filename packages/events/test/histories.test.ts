/** Verifies: EVT-R61, EVT-R63, EVT-R94 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decodeEvent } from '../src/decode.ts'
import { EVENTS_CODES } from '../src/errors.ts'
import { exportLog } from '../src/exchange/export.ts'
import { importLog } from '../src/exchange/import.ts'
import { memoryEventStore } from '../src/memory.ts'
import type { RecordedEvent, StoredEvent } from '../src/ports.ts'
import { prepareStored } from '../src/prepare-stored.ts'
import { composeTaxonomy } from '../src/taxonomy.ts'
import { NumberNoted, NumberProposed, PersonGreeted } from '../src/testing/index.ts'
import { standardTypes } from '../src/types/index.ts'
import { verifyLog } from '../src/verify.ts'
import { memoryRoom, storedEvents, stream, withCode } from './fixtures.ts'
import { samples } from './samples.ts'

/** Every history that a version has ever written, whatever became of the types since. */
const HISTORIES = new URL('./fixtures/histories/', import.meta.url)
const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string }
const taxonomy = composeTaxonomy([...standardTypes, NumberNoted, NumberProposed, PersonGreeted])

interface HistoryLine extends StoredEvent {
  readonly decoded: RecordedEvent
}

interface History {
  readonly head: { readonly size: number; readonly root: string }
  readonly lines: readonly HistoryLine[]
}

function readHistory(file: string): History {
  const text = readFileSync(new URL(file, HISTORIES), 'utf8')
  const [head = '', ...rest] = text.trim().split('\n')
  return { head: JSON.parse(head), lines: rest.map((line) => JSON.parse(line)) }
}

function historyFiles(): string[] {
  return readdirSync(HISTORIES).flatMap((release) =>
    readdirSync(new URL(`${release}/`, HISTORIES)).map((file) => `${release}/${file}`),
  )
}

/** Types at versions that no history holds. */
function unrecorded(): (typeof standardTypes)[number][] {
  const known = new Set(
    historyFiles().flatMap((file) =>
      readHistory(file).lines.map(({ bytes }) => {
        const { type, schema } = JSON.parse(bytes) as { type: string; schema: number }
        return `${type} ${schema}`
      }),
    ),
  )
  return standardTypes.filter(({ type, schema }) => !known.has(`${type} ${schema}`))
}

/** Writes a new history of what no history holds yet. One that is there is never written again. */
async function record(types: readonly (typeof standardTypes)[number][]): Promise<void> {
  const { log, store, clock } = memoryRoom(taxonomy)
  clock.setWall(1_767_225_600_000 as never)
  for (const { type, origins } of types) {
    for (const data of samples[type]) {
      const origin = origins[0] === 'agent' ? 'agent:writer' : 'runtime'
      const events = [{ type, data, origin } as const]
      await log.append({
        writes: [{ stream: stream(type), expectedVersion: 'any', events }],
      })
      clock.advance(1)
    }
  }
  const { events: size, root } = await verifyLog(store)
  const lines = (await storedEvents(store)).map(({ position, bytes, hash }) => {
    const decoded = decodeEvent({ position, bytes, hash }, taxonomy)
    return JSON.stringify({ position, bytes, hash, decoded })
  })
  const names = Array.from({ length: 99 }, (_, i) => `${version}/types-${i + 1}.jsonl`)
  const file = names.find((name) => !existsSync(new URL(name, HISTORIES)))
  writeFileSync(
    new URL(String(file), HISTORIES),
    `${[JSON.stringify({ size, root }), ...lines].join('\n')}\n`,
  )
}

if (process.env['ICE_UPDATE_FIXTURES'] === '1') {
  const missing = unrecorded()
  if (missing.length > 0) await record(missing)
}

test('every standard type stands in a history, at the version it has now', () => {
  // `ICE_UPDATE_FIXTURES=1` records the samples of those that do not, in a new file.
  expect(unrecorded().map(({ type }) => type)).toEqual([])
})

test('there is a history of this version', () => {
  expect(historyFiles().some((file) => file.startsWith(`${version}/`))).toBe(true)
})

describe.each(historyFiles())('the history %s', (file) => {
  const { head, lines } = readHistory(file)
  const store = {
    incarnation: 'history',
    blobs: memoryEventStore({ clock: { now: () => 0 as never } }).blobs,
    head: async () => ({ position: lines.length }),
    async *readAll() {
      yield lines
    },
    async *check() {},
  }

  test('verifies as it always did', async () => {
    const { findings, root } = await verifyLog(store)
    expect([findings, { size: lines.length, root }]).toEqual([[], head])
  })

  test('decodes as it always did', () => {
    const decoded = lines.map((line) => decodeEvent(line, taxonomy))
    expect(decoded).toEqual(lines.map((line) => line.decoded))
  })

  test('passes the gateway of today with the bytes it has', () => {
    for (const { bytes, hash } of lines) {
      expect(prepareStored(bytes, { taxonomy }).hash).toBe(hash)
    }
  })

  test('can be exported and imported', async () => {
    const into = memoryEventStore({ clock: { now: () => 0 as never } })
    await importLog(into, exportLog(store), { taxonomy })
    expect(await storedEvents(into)).toEqual(
      lines.map(({ position, bytes, hash }) => expect.objectContaining({ position, bytes, hash })),
    )
  })

  test('of a later program is refused, type by type', () => {
    for (const { bytes, position, hash } of lines) {
      const later = bytes.replace(/"schema":(\d+),"stream"/, '"schema":99,"stream"')
      const refusal = expect.toSatisfy(withCode(EVENTS_CODES.futureSchema))
      expect(() => decodeEvent({ bytes: later, position, hash }, taxonomy)).toThrow(refusal)
      expect(() => prepareStored(later, { taxonomy })).toThrow(refusal)
    }
  })
})
