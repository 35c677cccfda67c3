import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { composeTaxonomy, createEventLog, standardTypes } from '@ice/events'
import type { RecordedEvent } from '@ice/events/ports'
import { openSqliteEventStore } from '@ice/events-sqlite'
import { systemClock } from '@ice/primitives'
import { afterEach, describe, expect, it } from 'vitest'
import type { DemoOutcome } from '../src/demo/outcome.ts'
import { TIME_FIELDS } from '../src/survey/index.ts'
import { counted, oddFolder, temporary } from './survey/folders.ts'

/** The demonstration as it was built: its processes are files of their own. */
const door = fileURLToPath(new URL('../dist/demo/main.js', import.meta.url))
const made: string[] = []

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true })
})

function kept(path: string): string {
  made.push(path)
  return path
}

interface Shown {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the demonstration where nobody sits. */
function demo(cwd: string, ...args: readonly string[]): Promise<Shown> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [door, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

async function eventsOf({ log: path, run }: DemoOutcome): Promise<readonly RecordedEvent[]> {
  const store = openSqliteEventStore({ path, clock: systemClock })
  const log = createEventLog({
    store,
    taxonomy: composeTaxonomy(standardTypes),
    clock: systemClock,
  })
  const events: RecordedEvent[] = []
  for await (const batch of log.readAll({ filter: { streamPrefix: `run/${run}` } })) {
    events.push(...batch)
  }
  await store.close()
  return events
}

describe('the demonstration', () => {
  it('shows its five points, and each is so in the log and on the disk', async () => {
    const cwd = kept(temporary())
    const folder = kept(oddFolder())
    const truth = counted(folder)
    const before = readdirSync(folder).sort()
    const { code, stdout, stderr } = await demo(cwd, folder, '--json')
    expect([code, stderr]).toEqual([0, ''])
    const outcome = JSON.parse(stdout) as DemoOutcome
    expect(outcome.claims.filter(({ held }) => !held)).toEqual([])
    const { files, lines, bytes } = truth
    expect(outcome.result?.totals).toMatchObject({ files, lines, bytes })
    expect(readdirSync(folder).sort()).toEqual(before)

    // 1. What nobody granted was denied, for these reasons, and did not happen.
    expect(outcome.denied.map(({ action, code: reason }) => `${action} ${reason}`)).toEqual([
      'fs.read ICE_EFFECTS_PATH_ESCAPE_DENIED',
      'fs.write ICE_CAPABILITIES_RESOURCE_NOT_GRANTED',
      'fs.delete ICE_RUNS_GRANT_UNBOUND_DENIED',
    ])
    expect(readdirSync(cwd).sort()).toEqual(['.ice', 'ice-survey'])
    expect(existsSync(join(cwd, 'ice-survey', 'a-way-out'))).toBe(false)

    // 2. The placeholder was replaced, with an approval.
    const { approval } = outcome
    expect(approval).toMatchObject({ answer: 'yes', by: 'default' })
    expect(approval.steps).toEqual(['replace/survey.json', 'replace/survey.md'])
    const events = await eventsOf(outcome)
    expect(events.filter(({ type }) => type === 'ApprovalGranted').length).toBe(2)

    // 3. A process was killed half-way, and no recorded read was repeated.
    const { killed } = outcome
    expect(killed).toMatchObject({ done: true, signal: 'SIGKILL', rereads: [], unexpected: [] })
    expect(killed.atRead).toBe(Math.floor(files / 2) + 1)
    expect(killed.replayedReads).toBe(killed.atRead - 1)
    expect(rereads(events)).toEqual([])
    expect(events.filter(({ type }) => type === 'RunClaimed').length).toBe(1)

    // 4. The grant for notes was used, revoked, and refused.
    expect(outcome.revoked).toMatchObject({
      used: 1,
      refusal: { step: 'note/reported', code: 'ICE_CAPABILITIES_GRANT_REVOKED' },
    })
    expect(readFileSync(join(cwd, 'ice-survey', 'progress.md'), 'utf8')).toContain('comes next')

    // 5. One conclusion; the log verifies, and a copy with one changed byte does not.
    expect(outcome.conclusion).toBe('committed')
    expect(outcome.verification.findings).toBe(0)
    expect(outcome.tampered.found?.position).toBe(outcome.tampered.position)
    expect(outcome.why.map(({ verdict }) => verdict)).toEqual(['allowed', 'denied'])
    expect(outcome.table).toMatchObject({ approved: 2, denied: 4, bytesRead: bytes })
  })

  it('gives people numbered steps and the result, and the same report a second time', async () => {
    const cwd = kept(temporary())
    const folder = kept(oddFolder())
    const first = await demo(cwd, folder)
    expect([first.code, first.stderr]).toEqual([0, ''])
    const steps = first.stdout.split('\n').filter((line) => /^\d {2}[✓✗]/.test(line))
    expect(steps.map((line) => line.slice(0, 4))).toEqual(['1  ✓', '2  ✓', '3  ✓', '4  ✓', '5  ✓'])
    expect(first.stdout).toContain('a placeholder was put there')
    expect(first.stdout).not.toContain('\u001b')
    const report = (): unknown => withoutTimes(join(cwd, 'ice-survey', 'survey.json'))
    const one = report()
    const second = await demo(cwd, folder, '--quiet', '--yes')
    expect([second.code, second.stderr]).toEqual([0, ''])
    const { files } = counted(folder)
    expect(second.stdout).toMatch(/ files, .* → ice-survey\/survey\.md\n$/)
    expect(second.stdout.split(' ')[0]).toBe(String(files))
    expect(report()).toEqual(one)
  })

  it('surveys the folder it stands in without its own log and reports', async () => {
    const cwd = kept(temporary())
    writeFileSync(join(cwd, 'a.ts'), 'let x\n')
    const { code, stdout } = await demo(cwd, '--json')
    const outcome = JSON.parse(stdout) as DemoOutcome
    expect(code).toBe(0)
    expect(outcome.folder).toBe(cwd)
    expect(outcome.result?.totals).toMatchObject({ files: 1, lines: 1, directories: 1 })
  })

  it('kills nothing where there is nothing to read, and says so', async () => {
    const cwd = kept(temporary())
    const { code, stdout } = await demo(cwd, kept(temporary()))
    expect(code).toBe(0)
    expect(stdout).toContain('Nothing was killed half-way: there is no file to read.')
    expect(stdout).toContain('The folder has no files.')
  })
})

describe('the demonstration refuses', () => {
  const cases: readonly (readonly [string, readonly string[], number, string])[] = [
    ['a folder that is not there', ['nowhere'], 3, 'There is no folder nowhere'],
    ['a file', ['file'], 2, 'file is a file. The survey takes a folder.'],
    ['two folders', ['a', 'b'], 2, 'One folder at a time.'],
    ['an option it does not have', ['--no-such'], 2, '--no-such'],
  ]
  it.each(cases)('%s, in one sentence and with its code', async (_what, args, code, said) => {
    const cwd = kept(temporary())
    writeFileSync(join(cwd, 'file'), '')
    const shown = await demo(cwd, ...args)
    expect([shown.code, shown.stdout]).toEqual([code, ''])
    expect(shown.stderr).toContain(said)
    expect(readdirSync(cwd)).toEqual(['file'])
  })

  it('a place it may not write to', async () => {
    const cwd = kept(temporary())
    mkdirSync(join(cwd, 'folder'))
    writeFileSync(join(cwd, 'taken'), '')
    const { code, stderr } = await demo(cwd, 'folder', '--out', 'taken')
    expect(code).toBe(5)
    expect(stderr).toContain(`Nothing can be written to ${join(cwd, 'taken')}`)
  })
})

/** Reads that had an outcome before the run was claimed, and were intended after it. */
function rereads(events: readonly RecordedEvent[]): readonly string[] {
  const claim = events.findIndex(({ type }) => type === 'RunClaimed')
  const effects = (type: string, from: readonly RecordedEvent[]): readonly string[] =>
    from.flatMap((event) => {
      const { effect } = event.data as { readonly effect?: string }
      return event.type === type && effect !== undefined ? [effect] : []
    })
  const before = new Set(effects('FileRead', events.slice(0, claim)))
  expect(before.size).toBeGreaterThan(0)
  return effects('CapabilityUsed', events.slice(claim)).filter((effect) => before.has(effect))
}

function withoutTimes(path: string): unknown {
  const report = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>
  expect(basename(dirname(path))).toBe('ice-survey')
  const fields: readonly string[] = TIME_FIELDS
  return Object.fromEntries(Object.entries(report).filter(([key]) => !fields.includes(key)))
}
