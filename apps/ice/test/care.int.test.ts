import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, json } from './support/command.ts'
import { ECHO, REPLACE, TALLY } from './support/programs.ts'

interface Verified {
  readonly verified: boolean
  readonly note: string
  readonly events: number
  readonly findings: readonly { readonly position: number }[]
}

/** Changes one byte of the file where this text stands. */
function tamper(path: string, text: string, replacement: string): void {
  const bytes = readFileSync(path)
  const at = bytes.indexOf(text)
  expect(at).toBeGreaterThan(0)
  bytes.write(replacement, at)
  writeFileSync(path, bytes)
}

/** Verifies: CLI-R14 */
describe('ice verify and ice backup', () => {
  const folder = emptyFolder()
  folder.file('echo.ts', ECHO)

  it('note a root that later verifications are held to', async () => {
    await folder.ice('run', './echo.ts', '--input', '"first mark"')
    const first = json<Verified>(await folder.ice('verify', '--json'))
    expect(first).toMatchObject({ verified: true, findings: [] })
    await folder.ice('run', './echo.ts', '--input', '"second mark"')
    const held = await folder.ice('verify', '--noted', first.note, '--json')
    expect(held.code).toBe(0)
    const other = `${first.events}:${'0'.repeat(64)}`
    const broken = await folder.ice('verify', '--noted', other, '--json')
    expect(broken.code).toBe(6)
    expect(json<Verified>(broken).findings).toMatchObject([{ position: first.events }])
    const longer = await folder.ice('verify', '--noted', `999999:${'0'.repeat(64)}`)
    expect(longer.code).toBe(6)
    expect((await folder.ice('verify', '--noted', 'x')).code).toBe(2)
  })

  it('copy a log that verifies as the log does, and find a changed byte', async () => {
    const copied = await folder.ice('backup', 'copy.db', '--json')
    const { path } = json<{ path: string }>(copied)
    expect(path).toBe(join(folder.path, 'copy.db'))
    const log = json<Verified>(await folder.ice('verify', '--json'))
    expect(json<Verified>(await folder.ice('verify', 'copy.db', '--json')).note).toBe(log.note)
    const again = await folder.ice('backup', 'copy.db', '--json')
    expect(again.code).toBe(4)
    expect(complaint(again).code).toBe('ICE_EVENTS_SQLITE_BACKUP_CONFLICT')
    tamper(path, 'second mark', 'second murk')
    const broken = await folder.ice('verify', 'copy.db')
    expect(broken.code).toBe(6)
    expect(broken.stdout).toMatch(/✗ at \d+: event \d+: its bytes hash to/)
  })

  it('refuse what is no log', async () => {
    folder.file('text.db', 'this is not a database, and long enough to be looked at twice')
    const ended = await folder.ice('verify', 'text.db', '--json')
    expect(ended.code).toBe(2)
    expect(complaint(ended).code).toBe('ICE_EVENTS_SQLITE_FILE_UNSUPPORTED')
    folder.file('empty.db', '')
    expect((await folder.ice('runs', '--store', 'empty.db')).code).toBe(6)
  })
})

/** Verifies: CLI-R15 */
describe('the store', () => {
  const folder = emptyFolder()
  folder.file('echo.ts', ECHO)
  const log = async (env: Record<string, string>, ...args: readonly string[]): Promise<unknown> => {
    const ended = await folder.iceWith({ env }, 'doctor', ...args, '--json')
    const { findings } = json<{ findings: { id: string; found: string }[] }>(ended)
    return /none at (\S+)/.exec(findings.find(({ id }) => id === 'store')?.found ?? '')?.[1]
  }

  it('is chosen by --store, ICE_STORE, the configuration, and else in this folder', async () => {
    const at = (name: string): string => join(folder.path, name)
    expect(await log({})).toBe(at('.ice/ice.db'))
    folder.file('ice.config.json', '{"store":"c/c.db"}')
    expect(await log({})).toBe(at('c/c.db'))
    expect(await log({}, '--no-config')).toBe(at('.ice/ice.db'))
    expect(await log({ ICE_STORE: 'e.db' })).toBe(at('e.db'))
    expect(await log({ ICE_STORE: 'e.db' }, '--store', 's.db')).toBe(at('s.db'))
    folder.file('other/conf.json', '{"store":"o.db"}')
    expect(await log({}, '--config', 'other/conf.json')).toBe(at('other/o.db'))
  })

  it('is repeated in the commands that are suggested', async () => {
    const ask = ECHO.replace(
      'async (_context, input) => input',
      `(c) => c.approval('q', { prompt: '?' })`,
    )
    folder.file('ask.ts', ask)
    const ended = await folder.ice('run', './ask.ts', '--store', 'my log.db', '--json')
    const { resume } = json<{ resume: string }>(ended)
    expect(resume).toMatch(/ --store 'my log\.db'$/)
  })

  it('that cannot be used is told with a reason', async () => {
    folder.file('file', 'x')
    const ended = await folder.ice('run', './echo.ts', '--store', 'file/log.db', '--json')
    expect(ended.code).not.toBe(0)
    expect(complaint(ended).message).toContain('file')
  })
})

/** Verifies: CLI-R16 */
describe('ice.config.json', () => {
  const folder = emptyFolder()
  folder.file('tally.ts', TALLY)
  folder.file('replace.ts', REPLACE)
  folder.file('src/a.txt', 'hello')
  folder.file('out/out.txt', 'old')
  const configure = (config: unknown): string =>
    folder.file('ice.config.json', typeof config === 'string' ? config : JSON.stringify(config))
  const source = { actions: ['fs.read'], resource: { kind: 'fs', root: './src' } }

  it('names programs and grants', async () => {
    configure({ programs: { tally: { file: './tally.ts', grants: { source } } } })
    const named = await folder.ice('run', 'tally', '--json')
    expect(json(named)).toMatchObject({ conclusion: 'committed' })
    const byPath = await folder.ice('run', './tally.ts', '--json')
    expect(json(byPath)).toMatchObject({ conclusion: 'committed' })
  })

  it('gives the grants of a program to no other that calls itself so', async () => {
    configure({ programs: { tally: { file: './tally.ts', grants: { source } } } })
    copyFileSync(join(folder.path, 'tally.ts'), join(folder.path, 'impostor.ts'))
    const ended = await folder.ice('run', './impostor.ts', '--json')
    expect(complaint(ended).code).toBe('ICE_RUNS_GRANTS_UNSUPPORTED')
  })

  it('is overruled by the command line, grant by grant', async () => {
    const out = { actions: ['fs.replace'], resource: { kind: 'fs', root: 'out' } }
    configure({ grants: { out: { ...out, caveats: [{ kind: 'approval' }] } } })
    expect((await folder.ice('run', './replace.ts')).code).toBe(7)
    const given = await folder.ice('run', './replace.ts', '--grant', 'out=fs.replace:out', '--json')
    expect(json(given)).toMatchObject({ value: { kind: 'succeeded' } })
    expect((await folder.ice('run', './replace.ts', '--no-config', '--json')).code).toBe(0)
  })

  it.each([
    ['an unknown key', { grant: {} }, 'ICE_CLI_CONFIG_UNSUPPORTED'],
    [
      'a misspelt caveat',
      { grants: { a: { ...source, caveat: [] } } },
      'ICE_CLI_CONFIG_UNSUPPORTED',
    ],
    ['a duplicate key', '{"store":"a","store":"b"}', 'ICE_CLI_CONFIG_UNSUPPORTED'],
    ['no JSON', 'store: x', 'ICE_CLI_CONFIG_UNSUPPORTED'],
    [
      'a folder that is not there',
      { grants: { a: { ...source, resource: { kind: 'fs', root: 'no' } } } },
      'ICE_CLI_CONFIG_UNSUPPORTED',
    ],
    [
      'an expiry in the past',
      { grants: { a: { ...source, expires: '2001-01-01T00:00:00Z' } } },
      'ICE_CLI_CONFIG_UNSUPPORTED',
    ],
    [
      'a file for a built-in program',
      { programs: { survey: './tally.ts' } },
      'ICE_CLI_CONFIG_UNSUPPORTED',
    ],
    [
      'another name than the program has',
      { programs: { survey2: './tally.ts' } },
      'ICE_CLI_CONFIG_UNSUPPORTED',
    ],
  ])('is refused with %s', async (_what, config, code) => {
    configure(config)
    const word = JSON.stringify(config).includes('survey2') ? 'survey2' : 'survey'
    const ended = await folder.ice('run', word, '--json')
    expect([ended.code, complaint(ended).code]).toEqual([2, code])
  })

  it('has to be there when it is named', async () => {
    const ended = await folder.ice('runs', '--config', 'none.json', '--json')
    expect([ended.code, complaint(ended).code]).toEqual([3, 'ICE_CLI_CONFIG_NOT_FOUND'])
  })
})

/** Verifies: CLI-R17 */
describe('ice doctor', () => {
  const folder = emptyFolder()
  const states = async (): Promise<Readonly<Record<string, string>>> => {
    const { findings } = json<{ findings: { id: string; state: string; remedy: string | null }[] }>(
      await folder.ice('doctor', '--json'),
    )
    for (const { state, remedy } of findings) expect(remedy === null).toBe(state === 'good')
    return Object.fromEntries(findings.map(({ id, state }) => [id, state]))
  }

  it('finds a sound machine sound', async () => {
    folder.file('echo.ts', ECHO)
    await folder.ice('run', './echo.ts')
    expect(await states()).toMatchObject({
      node: 'good',
      typescript: 'good',
      config: 'good',
      disk: 'good',
      store: 'good',
      durability: 'good',
      taxonomy: 'good',
    })
    expect((await folder.ice('doctor')).stdout).toMatch(/^✓ durability: disk \(synchronous=2/m)
  })

  it('says what is wrong and what to do, and looks at everything else all the same', async () => {
    folder.file('ice.config.json', '{"programs":{"x":"./gone.ts"}}')
    expect(await states()).toMatchObject({ config: 'bad', store: 'good' })
    folder.file('ice.config.json', '{')
    const ended = await folder.ice('doctor', '--store', 'text.db')
    folder.file('text.db', 'no log at all')
    expect(ended.code).toBe(1)
    const { findings } = json<{ findings: { id: string; state: string }[] }>(
      await folder.ice('doctor', '--store', 'text.db', '--json'),
    )
    const bad = findings.filter(({ state }) => state === 'bad').map(({ id }) => id)
    expect(bad).toEqual(['config', 'store'])
  })
})

/** Verifies: CLI-R18 */
describe('the door', () => {
  const folder = emptyFolder()
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string }

  it('tells its version and its verbs', async () => {
    for (const word of ['--version', '-V']) {
      expect(await folder.ice(word)).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
    }
    const help = await folder.ice('--help')
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const verb of ['run', 'runs', 'show', 'events', 'why', 'grants', 'revoke', 'approve']) {
      expect(help.stdout).toMatch(new RegExp(`^ {2}${verb} `, 'm'))
    }
    expect((await folder.ice('run', '--help')).stdout).toContain('approval-for=<actions>')
  })

  it('refuses what it does not understand, in words or as a record', async () => {
    const wrong = [
      [],
      ['nothing'],
      ['runs', '--nothing'],
      ['run'],
      ['runs', '--limit', 'x'],
      ['show'],
    ]
    for (const args of wrong) {
      const ended = await folder.ice(...args, '--json')
      expect([args, ended.code, ended.stdout]).toEqual([args, 2, ''])
      expect(complaint(ended).code).toBe('ICE_CLI_USAGE_UNSUPPORTED')
    }
    const human = await folder.ice('runz')
    expect(human.code).toBe(2)
    expect(human.stderr).toMatch(/^ice: .*\[ICE_CLI_USAGE_UNSUPPORTED\]$/m)
    expect((await folder.ice('runs', '--json', '--jsonl')).code).toBe(2)
  })

  it('colours only where it is asked to, when no terminal is there', async () => {
    folder.file('echo.ts', ECHO)
    const plainRun = await folder.ice('run', './echo.ts')
    expect(plainRun.stderr + (await folder.ice('runs')).stdout).not.toContain('\u001b')
    const forced = await folder.iceWith({ env: { FORCE_COLOR: '1' } }, 'runs')
    expect(forced.stdout).toContain('\u001b[')
    const both = await folder.iceWith({ env: { FORCE_COLOR: '1', NO_COLOR: '1' } }, 'runs')
    expect(both.stdout).not.toContain('\u001b')
    const asJson = await folder.iceWith({ env: { FORCE_COLOR: '1' } }, 'runs', '--json')
    expect(asJson.stdout).not.toContain('\u001b')
  })
})
