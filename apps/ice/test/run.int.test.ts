import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { complaint, emptyFolder, json, jsonLines } from './support/command.ts'
import { ASK, ECHO, REFUSED, REPLACE, TALLY, THROWS } from './support/programs.ts'

interface RunRecord {
  readonly run: string
  readonly conclusion: string
  readonly value: unknown
}

/** Verifies: CLI-R01, CLI-R02, CLI-R03, CLI-R04 */
describe('ice run', () => {
  const folder = emptyFolder()
  folder.file('tally.ts', TALLY)
  folder.file('src/a.txt', 'hello')

  it('runs a TypeScript file from a folder without packages', async () => {
    const ended = await folder.ice('run', './tally.ts', '--grant', 'source=fs.read:./src')
    expect(ended.code).toBe(0)
    expect(JSON.parse(ended.stdout)).toEqual({ characters: 5, outside: 'denied' })
    expect(ended.stderr).toMatch(/^run [0-9a-f-]{36} {2}tally 1\.0\.0$/m)
    expect(ended.stderr).toContain('said on the console')
    expect(ended.stderr).not.toMatch(/Warning/i)
    expect(existsSync(join(folder.path, '.ice/ice.db'))).toBe(true)
  })

  it('prints one record with --json, and the run id early on stderr', async () => {
    const grant = 'source=fs.read:./src'
    const ended = await folder.ice('run', './tally.ts', '--grant', grant, '--json')
    const [notice] = jsonLines(ended.stderr.replace('said on the console\n', ''))
    const record = json<RunRecord>(ended)
    expect(record).toEqual({
      run: notice?.['run'],
      conclusion: 'committed',
      value: { characters: 5, outside: 'denied' },
    })
  })

  it('says nothing on stderr with --quiet', async () => {
    folder.file('echo.ts', ECHO)
    const ended = await folder.ice('run', './echo.ts', '--quiet', '--input', '"x"')
    expect(ended).toEqual({ code: 0, signal: null, stdout: '"x"\n', stderr: '' })
  })

  it('grants nothing by itself', async () => {
    const ended = await folder.ice('run', './tally.ts', '--json')
    expect(ended.code).toBe(2)
    expect(ended.stdout).toBe('')
    expect(complaint(ended)).toMatchObject({ code: 'ICE_RUNS_GRANTS_UNSUPPORTED' })
  })

  it('ends with 5 when authority ends the run', async () => {
    folder.file('refused.ts', REFUSED)
    const ended = await folder.ice('run', './refused.ts', '--json')
    expect(ended.code).toBe(5)
    expect(json(ended)).toMatchObject({
      conclusion: 'aborted',
      error: { code: 'ICE_RUNS_EFFECT_DENIED' },
    })
  })

  it('ends with 8 when the program throws, and its words steer no terminal', async () => {
    folder.file('throws.ts', THROWS)
    const ended = await folder.ice('run', './throws.ts')
    expect(ended.code).toBe(8)
    expect(ended.stdout).toBe('')
    expect(ended.stderr).not.toMatch(/[\p{Cf}]|\p{Cc}(?<!\n)/u)
    expect(ended.stderr).toContain('ice show ')
  })

  it('gives the same run for the same key and input, and refuses another input', async () => {
    const first = await folder.ice('run', './echo.ts', '--key', 'k', '--input', '1', '--json')
    const again = await folder.ice('run', './echo.ts', '--key', 'k', '--input', '1', '--json')
    expect(json(again)).toEqual(json(first))
    const other = await folder.ice('run', './echo.ts', '--key', 'k', '--input', '2', '--json')
    expect(other.code).toBe(4)
    expect(complaint(other).code).toBe('ICE_RUNS_KEY_CONFLICT')
  })

  it('keeps what the program writes to stdout out of the data', async () => {
    folder.file(
      'noisy.ts',
      ECHO.replace('=> input', "=> { process.stdout.write('noise'); return 1 }"),
    )
    const ended = await folder.ice('run', './noisy.ts', '--json')
    expect(json(ended)).toMatchObject({ value: 1 })
    expect(ended.stderr).toContain('noise')
  })

  it('tells of what the program throws where nobody waits for it', async () => {
    const body =
      "=> { setTimeout(() => { throw new RangeError('escaped') }); await new Promise(() => {}) }"
    folder.file('escapes.ts', ECHO.replace('=> input', body))
    const ended = await folder.ice('run', './escapes.ts', '--json')
    expect(ended.code).toBe(1)
    expect(complaint(ended)).toMatchObject({
      code: 'ICE_CLI_UNCAUGHT_UNAVAILABLE',
      cause: { message: 'escaped' },
    })
  })

  it('keeps tags', async () => {
    const ended = await folder.ice('run', './echo.ts', '--tag', 'a=b=c', '--tag', 'd=', '--json')
    const shown = await folder.ice('show', json<RunRecord>(ended).run, '--json')
    expect(json<{ run: { tags: object } }>(shown).run.tags).toEqual({ a: 'b=c', d: '' })
  })

  it('runs the program of a .mjs file without types', async () => {
    const plain = ECHO.replace(`import { fs } from '@ice/effects'\n`, '')
    folder.file('echo.mjs', plain)
    const ended = await folder.ice('run', './echo.mjs', '--input', '[1]', '--quiet')
    expect(ended).toMatchObject({ code: 0, stdout: '[\n  1\n]\n' })
  })
})

/** Verifies: CLI-R05 */
describe('the input', () => {
  const folder = emptyFolder()
  folder.file('echo.ts', ECHO)
  folder.file('tally.ts', TALLY)
  folder.file('src/a.txt', 'hello')
  const echo = async (input: string, stdin?: string) =>
    folder.iceWith(
      stdin === undefined ? {} : { input: stdin },
      ...['run', './echo.ts', '--json', '--input', input],
    )

  it('comes from the command line, a file or stdin', async () => {
    folder.file('in put.json', '{"b":[1,2]}')
    expect(json<RunRecord>(await echo('{"a":1}')).value).toEqual({ a: 1 })
    expect(json<RunRecord>(await echo('@in put.json')).value).toEqual({ b: [1, 2] })
    expect(json<RunRecord>(await echo('-', '"é\u{1f9ca}"')).value).toBe('é\u{1f9ca}')
    expect(json<RunRecord>(await folder.ice('run', './echo.ts', '--json')).value).toEqual({})
  })

  it.each([
    ['not JSON', '{a:1}'],
    ['a duplicate key', '{"a":1,"a":2}'],
    ['an integer no number holds', '9007199254740993'],
    ['nothing', ''],
    ['a file that is not there', '@missing.json'],
  ])('is refused when it is %s', async (_what, input) => {
    const ended = await echo(input)
    expect(ended.code).toBe(2)
    expect(complaint(ended)).toMatchObject({ code: 'ICE_CLI_INPUT_UNSUPPORTED' })
  })

  it('is held against the schema of the program, place by place', async () => {
    const bad = ['--input', '{"path":7,"more":1}', '--grant', 'source=fs.read:./src']
    const ended = await folder.ice('run', './tally.ts', ...bad, '--json')
    expect(ended.code).toBe(2)
    const { code, issues } = complaint(ended)
    expect(code).toBe('ICE_RUNS_INPUT_UNSUPPORTED')
    expect(issues?.[0]).toMatch(/^path: /)
    const human = await folder.ice('run', './tally.ts', ...bad)
    expect(human.stderr).toMatch(/^ {2}- path: /m)
  })
})

/** Verifies: CLI-R04 */
describe('a program that cannot be run', () => {
  const folder = emptyFolder()
  const codeOf = async (word: string): Promise<readonly [number | null, string]> => {
    const ended = await folder.ice('run', word, '--json')
    return [ended.code, complaint(ended).code]
  }

  it('is told from one that is not there', async () => {
    expect(await codeOf('./none.ts')).toEqual([3, 'ICE_CLI_PROGRAM_NOT_FOUND'])
    expect(await codeOf('nobody')).toEqual([3, 'ICE_CLI_PROGRAM_NOT_FOUND'])
    folder.file('text.txt', 'x')
    expect(await codeOf('./text.txt')).toEqual([2, 'ICE_CLI_PROGRAM_UNSUPPORTED'])
  })

  it('says what is wrong with its file', async () => {
    folder.file('syntax.ts', 'export default {{')
    expect(await codeOf('./syntax.ts')).toEqual([2, 'ICE_CLI_PROGRAM_UNSUPPORTED'])
    folder.file('nothing.ts', 'export const a = 1')
    expect(await codeOf('./nothing.ts')).toEqual([2, 'ICE_CLI_PROGRAM_UNSUPPORTED'])
    folder.file('unknown.ts', `import 'not-installed'`)
    const ended = await folder.ice('run', './unknown.ts')
    expect(ended.stderr).toContain('install what it imports beside it')
  })

  it('is chosen by #name where a file exports several', async () => {
    folder.file('two.ts', `${ECHO}\nexport { default as a } from './one.ts'`)
    folder.file('one.ts', ASK)
    const two = ECHO.replace('export default', 'export const first =').replace("'echo'", "'first'")
    folder.file('several.ts', `${two}\nexport { ask } from './one.ts'`)
    expect(await codeOf('./several.ts')).toEqual([2, 'ICE_CLI_AMBIGUOUS_UNSUPPORTED'])
    expect(await codeOf('./several.ts#second')).toEqual([2, 'ICE_CLI_PROGRAM_UNSUPPORTED'])
    const ended = await folder.ice('run', './several.ts#first', '--input', '3', '--quiet')
    expect(ended).toMatchObject({ code: 0, stdout: '3\n' })
  })

  it('is refused without types on a Node that does not strip them', async () => {
    folder.file('echo.ts', ECHO)
    const ended = await folder.iceWith(
      { nodeArgs: ['--no-experimental-strip-types'] },
      ...['run', './echo.ts', '--json'],
    )
    expect(ended.code).toBe(2)
    expect(complaint(ended)).toMatchObject({ code: 'ICE_CLI_TYPESCRIPT_UNSUPPORTED' })
  })
})

/** Verifies: CLI-R03 */
describe('grants on the command line', () => {
  const folder = emptyFolder()
  folder.file('replace.ts', REPLACE)
  folder.file('out/out.txt', 'old')
  const content = (): string => readFileSync(join(folder.path, 'out/out.txt'), 'utf8')
  const kind = async (...grants: readonly string[]): Promise<unknown> => {
    const args = grants.flatMap((grant) => ['--grant', grant])
    const ended = await folder.ice('run', './replace.ts', ...args, '--json')
    return ended.code === 0 ? json<{ value: { kind: string } }>(ended).value.kind : ended.code
  }

  it('allow what they say and nothing else', async () => {
    expect(await kind()).toBe('denied')
    expect(await kind('out=fs.read:./out')).toBe('denied')
    expect(await kind('out=fs.replace:./out;within=sub')).toBe('denied')
    expect(await kind('other=fs.replace:./out')).toBe('denied')
    expect(content()).toBe('old')
    expect(await kind('out=fs.replace:./out')).toBe('succeeded')
    expect(content()).toBe('new')
  })

  it('on a file reach that file', async () => {
    expect(await kind('out=fs.replace:./out/out.txt')).toBe('succeeded')
  })

  it('that are over are over', async () => {
    expect(await kind('out=fs.replace:./out;expires=1ms')).toBe('denied')
  })

  it('are refused when they are not understood', async () => {
    expect(await kind('out=fs.replace:./none')).toBe(2)
    expect(await kind('out=fs.replace:./out;aproval')).toBe(2)
    expect(await kind('out=fs.replace:./out', 'out=fs.read:./out')).toBe(2)
  })
})
