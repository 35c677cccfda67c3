import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { emptyFolder, json } from './support/command.ts'
import { ECHO } from './support/programs.ts'

/** Verifies: CLI-R27 */
describe('ice log archive and ice log segments', () => {
  const folder = emptyFolder()
  folder.file('echo.ts', ECHO)
  const answer = async <T>(
    ...words: string[]
  ): Promise<{ readonly code: number | null; readonly is: T }> => {
    const call = await folder.ice(...words, '--json')
    return { code: call.code, is: json<T>(call) }
  }

  it('move runs that have ended, and every verb reads them as before', async () => {
    for (const n of ['1', '2']) {
      expect((await folder.ice('run', './echo.ts', '--input', n)).code).toBe(0)
    }
    const before = await answer<unknown[]>('runs')
    const dry = await answer<{ moved: { runs: number } }>(
      ...['log', 'archive', '--older-than', '0s', '--dry-run'],
    )
    expect(dry.is.moved.runs).toBe(2)
    const young = await answer<{ moved: { runs: number }; kept: { young: number } }>(
      ...['log', 'archive'],
    )
    expect([young.is.moved.runs, young.is.kept.young]).toEqual([0, 2])
    const done = await answer<{ moved: { runs: number } }>('log', 'archive', '--older-than', '0s')
    expect(done.is.moved.runs).toBe(2)
    expect((await answer<unknown[]>('runs')).is).toEqual(before.is)
    expect((await folder.ice('verify')).code).toBe(0)
    expect((await folder.ice('run', './echo.ts', '--input', '3')).code).toBe(0)
  })

  it('say so when the room that was declared cannot be kept', async () => {
    const bound = ['log', 'archive', '--disk-max', '4096B', '--under-pressure', '0s'] as const
    const over = await answer<{ moved: { runs: number }; findings: { code: string }[] }>(...bound)
    expect(over.code).toBe(1)
    expect(over.is.moved.runs).toBe(1)
    expect(over.is.findings.map(({ code }) => code)).toEqual(['ICE_EVENTS_ARCHIVE_DISK_LIMIT'])
    const told = await folder.ice(...bound)
    expect(told.stdout).toContain('Nothing was dropped')
    expect((await folder.ice('log', 'archive', '--disk-max', 'much')).code).toBe(2)
    expect((await folder.ice('log', 'archive', '--disk-max', '1GiB')).code).toBe(0)
  })

  it('name the files, and tell of one that is missing', async () => {
    const listed = await answer<{ directory: string; segments: { segment: string }[] }>(
      ...['log', 'segments'],
    )
    expect(listed.code).toBe(0)
    const { directory, segments } = listed.is
    const named = segments.map(({ segment }) => segment)
    expect(readdirSync(directory).toSorted()).toEqual(named.toSorted())
    const [file = ''] = readdirSync(directory)
    renameSync(join(directory, file), join(folder.path, file))
    expect((await folder.ice('log', 'segments')).code).toBe(3)
    const broken = await folder.ice('runs')
    expect(broken.code).not.toBe(0)
    expect(broken.stderr).toContain(file)
    renameSync(join(folder.path, file), join(directory, file))
    expect((await folder.ice('runs')).code).toBe(0)
  })
})
