import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { composeTaxonomy, createEventLog, type StoredEvent, standardTypes } from '@ice/events'
import { openSqliteEventStore } from '@ice/events-sqlite'
import {
  type BlobDigest,
  systemClock as clock,
  type Hash,
  leafHash,
  seededRandom,
  sha256Hex,
} from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, type Folder, json, jsonLines } from './support/command.ts'
import { ECHO, ONCE, PAUSE_GRANT, SLOW } from './support/programs.ts'

/** A log of so many events, of streams that take turns, with a blob now and then. */
async function fill(path: string, events: number): Promise<void> {
  const store = openSqliteEventStore({ path, clock, durability: 'process' })
  const log = createEventLog({ store, taxonomy: composeTaxonomy(standardTypes), clock })
  const appends: Promise<unknown>[] = []
  for (let n = 0; n < events; n += 1) {
    const bytes = Buffer.from(`the blob of event ${n}`)
    const digest = sha256Hex(bytes) as string as BlobDigest
    const isBlob = n % 40 === 0
    const content = isBlob ? { blob: { $blob: digest, size: bytes.length } } : { inline: n }
    const data = { step: `s${n}`, content }
    const stream = `session/${(n * 7) % 23}` as never
    const event = { type: 'InferenceStep', data, origin: 'agent:a' as const }
    const writes = [{ stream, expectedVersion: 'any' as const, events: [event] }]
    appends.push(log.append({ writes, ...(isBlob ? { blobs: [{ digest, bytes }] } : {}) }))
  }
  await Promise.all(appends)
  await store.close()
}

async function stored(path: string): Promise<readonly StoredEvent[]> {
  const store = openSqliteEventStore({ path, clock })
  const events: StoredEvent[] = []
  for await (const batch of store.readAll({})) events.push(...batch)
  await store.close()
  return events
}

interface Imported {
  readonly to: number
  readonly root: Hash
  readonly appended: number
  readonly blobs: number
  readonly from: string
  readonly incarnation: string
}

/** Verifies: CLI-R20 */
describe('ice log export and ice log import', () => {
  const folder = emptyFolder()
  const at = (name: string): string => join(folder.path, name)
  folder.file('echo.ts', ECHO)

  it('make the same log of an export', async () => {
    await folder.ice('run', './echo.ts', '--input', '"mark"')
    const written = await folder.ice('log', 'export', '--output', 'a.jsonl', '--json')
    const { path, sha256 } = json<{ path: string; sha256: string }>(written)
    expect([path, sha256Hex(readFileSync(path))]).toEqual([at('a.jsonl'), sha256])
    const printed = await folder.ice('log', 'export')
    expect(printed.stdout).toBe(readFileSync(path, 'utf8'))
    const events = await stored(at('.ice/ice.db'))
    const lines = printed.stdout.split('\n').filter((line) => line.startsWith('{"causes"'))
    expect(lines.map((line) => leafHash(line))).toEqual(events.map(({ hash }) => hash))
    const done = await folder.ice('log', 'import', 'a.jsonl', '--store', 'n/new.db', '--json')
    const imported = json<Imported>(done)
    expect(imported).toMatchObject({ appended: events.length, to: events.length, blobs: 1 })
    const copied = await stored(at('n/new.db'))
    expect(copied.slice(0, events.length)).toEqual(events)
    const types = copied.slice(events.length).map(({ bytes }) => JSON.parse(bytes).type)
    expect(types).toEqual(['LogConfigured', 'LogRestored'])
    const again = await folder.iceWith(
      { input: printed.stdout },
      ...['log', 'import', '-', '--store', 'n/new.db', '--json'],
    )
    expect(json(again)).toMatchObject({ appended: 0, begun: null })
    expect(await stored(at('n/new.db'))).toEqual(copied)
    const noted = `${imported.to}:${imported.root}`
    const verified = await folder.ice('verify', '--store', 'n/new.db', '--noted', noted)
    expect(verified.code).toBe(0)
    // The log itself holds its own export: there is nothing to be begun.
    const own = await folder.ice('log', 'import', 'a.jsonl', '--json')
    expect([own.code, json<{ begun: unknown }>(own).begun]).toEqual([0, null])
  })

  it('bring a log in parts, when more is said to follow', async () => {
    await folder.ice('log', 'export', '--to', '9', '--output', 'p1.jsonl')
    await folder.ice('log', 'export', '--after', '9', '--output', 'p2.jsonl')
    const into = ['--store', 'parts.db', '--json']
    const alone = await folder.ice('log', 'import', 'p2.jsonl', ...into)
    expect([alone.code, complaint(alone).code]).toEqual([4, 'ICE_EVENTS_IMPORT_CONFLICT'])
    expect((await folder.ice('log', 'import', 'p1.jsonl', '--more', ...into)).code).toBe(0)
    expect(existsSync(at('parts.db'))).toBe(false)
    expect((await folder.ice('log', 'import', 'p2.jsonl', ...into)).code).toBe(0)
    const whole = await stored(at('.ice/ice.db'))
    expect((await stored(at('parts.db'))).slice(0, whole.length)).toEqual(whole)
  })

  it('refuse a damaged line with its number, and leave no log behind', async () => {
    const text = readFileSync(at('a.jsonl'), 'utf8')
    writeFileSync(at('damaged.jsonl'), text.replace('"mark"', '"murk"'))
    const into = ['--store', 'damaged.db', '--json']
    const ended = await folder.ice('log', 'import', 'damaged.jsonl', ...into)
    const line = text.slice(0, text.indexOf('"mark"')).split('\n').length
    expect(ended.code).toBe(6)
    expect(complaint(ended)).toMatchObject({
      code: 'ICE_EVENTS_IMPORT_CORRUPT',
      data: { line },
      next: [expect.any(String)],
    })
    expect([existsSync(at('damaged.db')), existsSync(at('damaged.db.importing'))]).toEqual([
      false,
      false,
    ])
    expect((await folder.ice('log', 'import', 'a.jsonl', ...into)).code).toBe(0)
    const other = `3:${'0'.repeat(64)}`
    const held = await folder.ice(
      ...['log', 'import', 'a.jsonl', '--noted', other, '--store', 'held.db', '--json'],
    )
    expect([held.code, existsSync(at('held.db'))]).toEqual([6, false])
  })

  it('say what cannot be done', async () => {
    const codes = async (...args: readonly string[]): Promise<readonly unknown[]> => {
      const ended = await folder.ice('log', ...args, '--jsonl')
      return [ended.code, complaint(ended).code]
    }
    const usage = [2, 'ICE_CLI_USAGE_UNSUPPORTED']
    expect(await codes('export', '--format', 'xml')).toEqual(usage)
    expect(await codes('export', '--type', 'RunCreated')).toEqual(usage)
    expect(await codes('export', '--format', 'cloudevents', '--to', '3')).toEqual(usage)
    expect((await folder.ice('log', 'export', '--json')).code).toBe(2)
    expect(await codes('export', '--output', 'a.jsonl')).toEqual([4, 'ICE_CLI_FILE_CONFLICT'])
    expect(await codes('export', '--to', '999')).toEqual([1, 'ICE_EVENTS_STRUCTURAL_VIOLATION'])
    expect(await codes('import', 'none.jsonl')).toEqual([3, 'ICE_CLI_FILE_NOT_FOUND'])
    expect(await codes('restore', 'none.db', '--to', 'x.db')).toEqual([3, 'ICE_CLI_FILE_NOT_FOUND'])
    expect((await folder.ice('log', 'restore', 'none.db')).code).toBe(2)
    expect(await codes('gc', '--grace', 'soon')).toEqual(usage)
    expect(await codes('stats', '--store', 'none.db')).toEqual([3, 'ICE_CLI_STORE_NOT_FOUND'])
  })

  it('write CloudEvents, of what is asked for', async () => {
    const some = ['--format', 'cloudevents', '--type', 'RunCreated', '--type', 'RunCommitted']
    const { stdout } = await folder.ice('log', 'export', ...some)
    expect(jsonLines(stdout).map(({ type }) => type)).toEqual([
      'ice.RunCreated',
      'ice.RunCommitted',
    ])
    const batch = ['--format', 'cloudevents-batch', '--stream', 'run/', '--limit', '2']
    expect(json<unknown[]>(await folder.ice('log', 'export', ...batch)).length).toBe(2)
  })
})

/** Verifies: CLI-R20 */
describe('an import that is killed', () => {
  it('again and again leaves a beginning each time, and is completed in the end', async () => {
    const folder = emptyFolder()
    const at = (name: string): string => join(folder.path, name)
    await fill(at('log.db'), 6_000)
    await folder.ice('log', 'export', '--store', 'log.db', '--output', 'log.jsonl')
    const text = readFileSync(at('log.jsonl'))
    const events = await stored(at('log.db'))
    const random = seededRandom('killed imports')
    let reached = 0
    for (let kill = 0; kill < 12; kill += 1) {
      const cut = Math.floor(((kill + random.float()) / 12) * text.length)
      const input = text.subarray(0, cut)
      // Every third has done all it could when it is killed, so that there is some progress.
      const until = kill % 3 === 2 ? sealedIn(input) : 0
      await killedImport({ folder, input, until, pauseMs: random.float() * 300 })
      const here = existsSync(at('new.db.importing')) ? await stored(at('new.db.importing')) : []
      expect(here).toEqual(events.slice(0, here.length))
      expect(here.length).toBeGreaterThanOrEqual(reached)
      reached = here.length
      expect(existsSync(at('new.db'))).toBe(false)
    }
    expect(reached).toBeGreaterThan(0)
    const done = await folder.ice('log', 'import', 'log.jsonl', '--store', 'new.db', '--json')
    const { appended, root } = json<Imported>(done)
    expect(appended).toBe(6_000 - reached)
    expect((await stored(at('new.db'))).slice(0, 6_000)).toEqual(events)
    const verified = await folder.ice('verify', '--store', 'new.db', '--noted', `6000:${root}`)
    expect(verified.code).toBe(0)
    expect(
      json(await folder.ice('log', 'gc', '--grace', '0s', '--store', 'new.db', '--json')),
    ).toMatchObject({ removed: 0, kept: 151 })
  })
})

/** How many events the seals of a beginning of an export vouch for. */
function sealedIn(input: Uint8Array): number {
  const seals = [
    ...Buffer.from(input)
      .toString()
      .matchAll(/^\{"\$ice":"seal","at":(\d+),.*\n/gm),
  ]
  return Number(seals.at(-1)?.[1] ?? 0)
}

interface Part {
  readonly folder: Folder
  /** What the import is given; it waits for the rest. */
  readonly input: Uint8Array
  /** Events it can import of that, or 0 for a kill at any moment of its work. */
  readonly until: number
  /** @units milliseconds from its beginning to its end */
  readonly pauseMs: number
}

/** Gives an import a part of what it asks for, and kills it while it works or waits. */
async function killedImport({ folder, input, until, pauseMs }: Part): Promise<void> {
  const draft = join(folder.path, 'new.db.importing')
  const options = { input, holdInput: true }
  const { child, ended } = folder.start(options, 'log', 'import', '-', '--store', 'new.db')
  const isFar = async (): Promise<boolean> => existsSync(draft) && (await headOf(draft)) >= until
  await expect.poll(isFar, { interval: 20, timeout: 60_000 }).toBe(true)
  await new Promise((resolve) => setTimeout(resolve, pauseMs))
  child.kill('SIGKILL')
  expect((await ended).signal).toBe('SIGKILL')
}

async function headOf(path: string): Promise<number> {
  const store = openSqliteEventStore({ path, clock })
  const { position } = await store.head()
  await store.close()
  return position
}

/** Verifies: CLI-R21 */
describe('ice log backup and ice log restore', () => {
  const folder = emptyFolder()
  const at = (name: string): string => join(folder.path, name)
  folder.file('echo.ts', ECHO)
  folder.file('slow.ts', SLOW)
  folder.file('once.ts', ONCE)

  it('make another life of the log, with every open effect in doubt', async () => {
    const runs = [await killedRun('./slow.ts'), await killedRun('./once.ts')]
    await folder.ice('run', './echo.ts', '--input', '"the mark of a backup"')
    expect((await folder.ice('log', 'backup', 'copy.db')).code).toBe(0)
    expect(json(await folder.ice('runs', '--in-doubt', '--json'))).toEqual([])
    // What a restore that was killed has left is no hindrance.
    folder.file('back.db.restoring', 'not even a log')
    const done = await folder.ice('log', 'restore', 'copy.db', '--to', 'back.db', '--json')
    const restored = json<Imported & { runs: number; doubts: number; head: number }>(done)
    const { head, root, incarnation, from } = restored
    expect(restored).toMatchObject({ path: at('back.db'), runs: 2, doubts: 2 })
    const there = ['--store', 'back.db', '--json']
    const doubts = json<{ run: string }[]>(await folder.ice('runs', '--in-doubt', ...there))
    expect(doubts.map(({ run }) => run).toSorted()).toEqual(runs.toSorted())
    expect(json(await folder.ice('log', 'stats', ...there))).toMatchObject({
      ...{ incarnation, lineage: [{ incarnation: from, head }], durability: 'disk' },
      blobs: 1,
    })
    const [told] = jsonLines<{ data: object }>(
      (await folder.ice('events', '--type', 'LogRestored', '--store', 'back.db', '--jsonl')).stdout,
    )
    expect(told?.data).toEqual({ how: 'backup', from, incarnation, head, root, doubts: 2 })
    const verified = await folder.ice('log', 'verify', '--noted', `${head}:${root}`, ...there)
    expect(verified.code).toBe(0)
    const [run = ''] = runs
    const resume = ['resume', run, '--program', './slow.ts', ...there]
    // It is held until somebody says that it may go on.
    expect((await folder.ice(...resume)).code).toBe(4)
    const release = ['release', run, '--reason', 'looked at', '--store', 'back.db']
    expect((await folder.ice(...release)).code).toBe(0)
    expect((await folder.ice(...resume)).code).toBe(7)
    const said = ['--happened', '--evidence', 'looked', '--result', '5']
    expect((await folder.ice('resolve', run, ...said, '--store', 'back.db')).code).toBe(0)
    expect((await folder.ice(...resume)).code).toBe(0)
  })

  it('overwrite nothing, and take no damaged backup', async () => {
    const taken = await folder.ice('log', 'restore', 'copy.db', '--to', 'back.db', '--json')
    expect([taken.code, complaint(taken).code]).toEqual([4, 'ICE_CLI_FILE_CONFLICT'])
    const bytes = readFileSync(at('copy.db'))
    // All of them: a page may hold what it held before, where nobody looks.
    for (let place = 0; place !== -1; place = bytes.indexOf('the mark')) {
      if (place > 0) bytes.write('THE MARK', place)
    }
    writeFileSync(at('damaged.db'), bytes)
    const damaged = await folder.ice('log', 'restore', 'damaged.db', '--to', 'no.db', '--json')
    expect(damaged.code).toBe(6)
    expect(complaint(damaged).code).toBe('ICE_EVENTS_SQLITE_BACKUP_CORRUPT')
    expect([existsSync(at('no.db')), existsSync(at('no.db.restoring'))]).toEqual([false, false])
  })

  /** A run whose process was killed in the middle of an effect. */
  async function killedRun(program: string): Promise<string> {
    const input = ['--input', '{"steps":1,"ms":600000}']
    const going = folder.start({}, 'run', program, ...input, '--grant', PAUSE_GRANT)
    const [, run = ''] = await going.until('stderr', /^run ([0-9a-f-]{36})/m)
    const used = ['events', '--stream', `run/${run}`, '--type', 'CapabilityUsed', '--raw']
    await expect
      .poll(async () => (await folder.ice(...used)).stdout, { timeout: 30_000 })
      .not.toBe('')
    going.child.kill('SIGKILL')
    await going.ended
    return run
  }
})
