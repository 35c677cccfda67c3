/** Verifies: EFF-R20, EFF-R21, EFF-R23, EFF-R24, EFF-R25 */

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@ice/primitives'
import type { ByteFold } from '@ice/runs/ports'
import { describe, expect, it } from 'vitest'
import { proc, type RunRequest } from '../src/index.ts'
import {
  codeOfProc,
  freshRoot,
  grantOn,
  hasBox,
  OPEN,
  performProc,
  resultOf,
  SH,
} from './proc-kit.ts'

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** A call of `sh`, in both ways to start one. */
const script = (text: string, more: Partial<RunRequest> = {}) =>
  proc.run('g', { program: SH, args: ['-c', text], ...more })

const MODES = [
  ['in a box', hasBox, {}],
  ['without a box', true, OPEN],
] as const

describe.each(MODES)('a program %s', (mode, isPossible, open: Partial<RunRequest>) => {
  const test = it.skipIf(!isPossible)
  const grant = (root: string, members: JsonObject = {}): JsonObject =>
    grantOn(root, { ...(open as JsonObject), write: true, ...members })
  const run = (root: string, text: string, more: Partial<RunRequest> = {}, options = {}) =>
    resultOf(grant(root, { env: ['A', 'B', 'BIG'] }), script(text, { ...open, ...more }), options)

  test('gives how it ended and what it wrote', async () => {
    const root = freshRoot()
    const report = await performProc(
      grant(root),
      script('echo out; echo err >&2; exit 7', { ...open }),
    )
    expect(report.value).toEqual({
      ended: 'exit',
      exitCode: 7,
      signal: null,
      stdout: { content: 'out\n', encoding: 'utf8', truncated: false },
      stderr: { content: 'err\n', encoding: 'utf8', truncated: false },
    })
    expect(report.observed).toMatchObject({
      program: SH,
      cwd: '.',
      ended: 'exit',
      exitCode: 7,
      stdout: { bytes: 4, sha256: sha256('out\n') },
      stderr: { bytes: 4, sha256: sha256('err\n') },
      sandbox: mode === 'in a box' ? { kind: 'bubblewrap', network: 'none' } : { kind: 'none' },
    })
  })

  test('is given its arguments as they are, and no shell reads them', async () => {
    const words = ['$(id)', ';', '`id`', '* ?', 'a\nb', "'", '"', 'ü', '']
    const resource = grant(freshRoot(), {
      programs: [{ path: '/usr/bin/printf', args: { words: ['%s|', ...words] } }],
    })
    const args = ['%s|', ...words]
    const result = await resultOf(
      resource,
      proc.run('g', { ...open, program: '/usr/bin/printf', args }),
    )
    expect(result.stdout.content).toBe(words.map((each) => `${each}|`).join(''))
  })

  test('has the environment of the call, its directory, and nothing else', async () => {
    const root = freshRoot()
    process.env['ICE_TEST_SECRET'] = 'secret'
    try {
      const resource = grant(root, { programs: [{ path: '/usr/bin/env' }], env: ['A', 'B'] })
      const env = { A: '1 2', B: 'x=y' }
      const result = await resultOf(
        resource,
        proc.run('g', { ...open, program: '/usr/bin/env', env }),
      )
      const lines = (result.stdout.content ?? '').trim().split('\n').toSorted()
      expect(lines).toEqual(['A=1 2', 'B=x=y', `PWD=${root}`])
    } finally {
      delete process.env['ICE_TEST_SECRET']
    }
  })

  test('has three descriptors', async () => {
    const result = await run(freshRoot(), 'cd /proc/self/fd && echo *')
    // The shell holds the directory it reads.
    const fds = (result.stdout.content ?? '').trim().split(' ').map(Number)
    const handed = new Set(
      readdirSync('/proc/self/fd')
        .map(Number)
        .filter((fd) => fd > 250), // of whoever started us
    )
    expect(fds.filter((fd) => !handed.has(fd) && fd !== 3)).toEqual([0, 1, 2])
  })

  test('begins in a directory below the root, links within it undone', async () => {
    const root = freshRoot()
    mkdirSync(join(root, 'a/b'), { recursive: true })
    symlinkSync('a/b', join(root, 'link'))
    const resource = grant(root)
    const report = await performProc(resource, script('pwd -P', { ...open, cwd: 'link' }))
    expect((report.value as { stdout: JsonObject }).stdout['content']).toBe(`${root}/a/b\n`)
    expect(report.observed['cwd']).toBe('a/b')
  })

  test.each([
    ['out', 'ICE_EFFECTS_PATH_ESCAPE_DENIED'],
    ['up', 'ICE_EFFECTS_PATH_ESCAPE_DENIED'],
    ['none', 'ICE_EFFECTS_FILE_NOT_FOUND'],
    ['file', 'ICE_EFFECTS_NOT_A_DIRECTORY_UNSUPPORTED'],
    ['..', 'ICE_EFFECTS_PROC_RESOURCE_DENIED'],
    ['/', 'ICE_EFFECTS_PROC_RESOURCE_DENIED'],
  ])('does not begin in %j: %s', async (cwd, code) => {
    const root = freshRoot()
    symlinkSync('/usr', join(root, 'out'))
    symlinkSync('..', join(root, 'up'))
    writeFileSync(join(root, 'file'), '')
    const request = script(`echo > ${root}/ran`, { ...open, write: true, cwd })
    expect(await codeOfProc(grant(root), request)).toBe(code)
    expect(existsSync(join(root, 'ran'))).toBe(false)
  })

  test('reads what the call gives it, or nothing', async () => {
    const root = freshRoot()
    const stdin = Buffer.from([0, 255, 10]).toString('base64')
    const given = await run(root, 'od -An -tx1', { stdin, stdinEncoding: 'base64' })
    expect(given.stdout.content).toBe(' 00 ff 0a\n')
    expect((await run(root, 'cat; echo end')).stdout.content).toBe('end\n')
    const unread = await run(root, 'exit 3', { stdin: 'x'.repeat(1_000_000) })
    expect(unread.exitCode).toBe(3)
  })

  test('writes below its root when the call says so', async () => {
    const root = freshRoot()
    await run(root, 'echo x > made', { write: true })
    expect(readFileSync(join(root, 'made'), 'utf8')).toBe('x\n')
  })

  test('gives text as text and anything else in base64', async () => {
    const root = freshRoot()
    const bytes = async (text: string): Promise<unknown> => (await run(root, text)).stdout
    expect(await bytes("printf 'caf\\303\\251'")).toMatchObject({ content: 'café' })
    expect(await bytes("printf '\\377\\376'")).toMatchObject({
      content: '//4=',
      encoding: 'base64',
    })
    expect(await bytes("printf '\\033[1mx\\033[0m and more text'")).toMatchObject({
      encoding: 'utf8',
    })
    const controls = await bytes('head -c 1000 /dev/zero')
    expect(controls).toMatchObject({ encoding: 'base64', truncated: false })
  })

  test('keeps as much as the call says, and counts and digests all of it', async () => {
    const root = freshRoot()
    const text = "i=0; while [ $i -lt 100 ]; do printf 'é'; i=$((i+1)); done"
    const { value, observed } = await performProc(
      grant(root),
      script(text, { ...open, maxBytes: 5 }),
    )
    expect(value).toMatchObject({ stdout: { content: 'éé', encoding: 'utf8', truncated: true } })
    expect(observed['stdout']).toEqual({ bytes: 200, sha256: sha256('é'.repeat(100)) })
  })

  test('folds its output, and tells of a fold that throws without losing the outcome', async () => {
    const root = freshRoot()
    const length: ByteFold<number, number> = {
      start: () => 0,
      step: (sum, chunk) => sum + chunk.length,
      finish: (sum) => sum,
    }
    const request = proc.run('g', { program: SH, args: ['-c', 'printf 12345'], ...open }, length)
    expect(await resultOf(grant(root), request)).toMatchObject({
      folded: 5,
      stdout: { content: null },
    })
    const throwing: ByteFold<number, number> = {
      ...length,
      step: () => {
        throw new RangeError('no')
      },
    }
    const bad = proc.run('g', { program: SH, args: ['-c', 'echo; exit 2'], ...open }, throwing)
    expect(await resultOf(grant(root), bad)).toMatchObject({
      exitCode: 2,
      missing: expect.any(String),
    })
  })

  test('is ended when it floods its output', async () => {
    const result = await run(freshRoot(), 'exec yes')
    expect(result).toMatchObject({ ended: 'output', stdout: { truncated: true } })
    expect(result.stdout.content).toHaveLength(1_048_576)
  })

  test('is asked to end at its time, and may say a last word', async () => {
    const text = 'trap "echo bye; exit 9" TERM; echo up; while :; do sleep 0.05; done'
    const result = await run(freshRoot(), text, { timeoutMs: 600 })
    expect(result).toMatchObject({ ended: 'timeout', exitCode: 9 })
    expect(result.stdout.content).toBe('up\nbye\n')
  })

  test('is killed when it does not end in time', async () => {
    const text = 'trap "" TERM; echo up; while :; do sleep 0.05; done'
    const options = { limits: { graceMs: 100 } }
    const result = await run(freshRoot(), text, { timeoutMs: 500 }, options)
    expect(result).toMatchObject({ ended: 'timeout', exitCode: null, signal: 'SIGKILL' })
  })

  test('leaves nothing in its process group behind', async () => {
    const root = freshRoot()
    const text = `(while :; do echo x >> ${root}/beat; sleep 0.02; done) & sleep 0.1; exit 0`
    await run(root, text, { write: true })
    const size = (): number => readFileSync(join(root, 'beat')).length
    const before = size()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(size()).toBe(before)
  })

  test('is not started when the signal has fired', async () => {
    const root = freshRoot()
    const options = { signal: AbortSignal.abort() }
    const request = script(`echo > ${root}/ran`, { ...open, write: true })
    expect(await codeOfProc(grant(root), request, options)).toBe('ICE_EFFECTS_ABORTED')
    expect(existsSync(join(root, 'ran'))).toBe(false)
  })

  test('that is aborted has an outcome, for it has run', async () => {
    const root = freshRoot()
    const controller = new AbortController()
    const request = script(`echo > ${root}/ran; exec sleep 60`, { ...open, write: true })
    const ending = resultOf(grant(root), request, { signal: controller.signal })
    while (!existsSync(join(root, 'ran'))) await new Promise((resolve) => setTimeout(resolve, 5))
    controller.abort()
    expect(await ending).toMatchObject({ ended: 'aborted' })
  })

  test.each<[string, object, string]>([
    ['processor time', { cpuSeconds: 1 }, 'while :; do :; done'],
    ['the size of a file', { fileBytes: 65_536 }, 'head -c 200000 /dev/zero > big; exit $?'],
    ['open files', { openFiles: 16 }, 'exec 9</dev/null && eval "exec 17</dev/null"'],
    ['memory', { memoryBytes: 50_000_000 }, 'v=$(head -c 200000000 /dev/zero | tr "\\0" x)'],
  ])('is held to a cap on %s', async (_name, limits, text) => {
    const root = freshRoot()
    const more = { write: true, timeoutMs: 30_000 }
    const result = await run(root, text, more, { limits })
    expect(result.ended).toBe('exit')
    expect(result.exitCode ?? result.signal).not.toBe(0)
    if (existsSync(join(root, 'big'))) {
      expect(readFileSync(join(root, 'big')).length).toBe(65_536)
    }
  })

  test('leaves no descriptor open here', async () => {
    const root = freshRoot()
    await run(root, 'exit')
    const before = readdirSync('/proc/self/fd').length
    for (let calls = 0; calls < 3; calls += 1) await run(root, 'echo x; exit 1')
    await run(root, 'sleep 5', { timeoutMs: 50 })
    await codeOfProc(grant(root), script('x', { ...open, cwd: 'none' }))
    expect(readdirSync('/proc/self/fd').length).toBe(before)
  })
})

describe('a call', () => {
  const root = '/srv/ice-no-such-root'
  const bare = { ...OPEN }

  it.each<[string, JsonObject, Partial<RunRequest>]>([
    ['a program', { programs: [{ path: '/usr/bin/env' }] }, {}],
    ['arguments', { programs: [{ path: SH }] }, {}],
    ['a variable', {}, { env: { HOME: '/' } }],
    ['writing', {}, { write: true }],
    ['the network', {}, { network: true }],
    ['doing without a box', { write: true, network: true }, OPEN],
    ['files', { kind: 'fs' }, {}],
    ['a malformed grant', { root: '/' }, {}],
  ])(
    'is refused %s that its grant does not hold, and nothing is started',
    async (_, members, more) => {
      const code = 'ICE_EFFECTS_PROC_RESOURCE_DENIED'
      expect(await codeOfProc(grantOn(root, members), script('x', more))).toBe(code)
      // Nor if a grant above it does not hold it.
      const open = grantOn(root, { ...OPEN, env: ['HOME'] })
      const above = [grantOn(root, members)]
      expect(await codeOfProc(open, script('x', more), { above })).toBe(code)
    },
  )

  it('is refused below a chain that has more than one root', async () => {
    const above = [grantOn('/srv')]
    const code = await codeOfProc(grantOn(root), script('x'), { above })
    expect(code).toBe('ICE_EFFECTS_PROC_RESOURCE_DENIED')
  })

  it.each([
    ['nothing', '/usr/bin/ice-no-such-program'],
    ['a directory', '/usr/bin'],
    ['a file that is no program', '/etc/passwd'],
  ])('says that there is %s to start', async (_, program) => {
    const resource = grantOn(freshRoot(), { ...OPEN, programs: [{ path: program }] })
    const code = await codeOfProc(resource, proc.run('g', { ...bare, program }))
    expect(code).toBe('ICE_EFFECTS_PROC_PROGRAM_NOT_FOUND')
  })

  it('is not handed to a shell when it is no program', async () => {
    const root = freshRoot()
    const program = join(root, 'text')
    writeFileSync(program, `echo > ${root}/ran\n`, { mode: 0o755 })
    const resource = grantOn(root, { ...OPEN, programs: [{ path: program }] })
    const code = await codeOfProc(resource, proc.run('g', { ...bare, program }))
    expect(code).toBe('ICE_EFFECTS_PROC_PROGRAM_NOT_FOUND')
    expect(existsSync(join(root, 'ran'))).toBe(false)
  })

  it('says that its root is not there', async () => {
    const code = await codeOfProc(grantOn(root, OPEN), script('x', OPEN))
    expect(code).toBe('ICE_EFFECTS_ROOT_NOT_FOUND')
  })

  it('needs prlimit', async () => {
    const options = { prlimit: '/usr/bin/ice-no-such-program' }
    const code = await codeOfProc(grantOn(freshRoot(), OPEN), script('x', OPEN), options)
    expect(code).toBe('ICE_EFFECTS_PROC_PLATFORM_UNSUPPORTED')
  })
})
