/** Verifies: EFF-R20, EFF-R22, EFF-R23, EFF-R25, EFF-R26 */

import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { describeProcesses, proc, type RunRequest } from '../src/index.ts'
import { settingsOf } from '../src/proc/options.ts'
import { startBoxed } from '../src/proc/start-boxed.ts'
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

const boxed = it.skipIf(!hasBox)

const script = (text: string, more: Partial<RunRequest> = {}) =>
  proc.run('g', { program: SH, args: ['-c', text], ...more })

/** What a script says in a box that may be written to. */
async function said(root: string, text: string, members: JsonObject = {}): Promise<string> {
  const { write = true, ...more } = members
  const resource = grantOn(root, { write: true, ...more })
  const { stdout } = await resultOf(resource, script(text, { write: write === true }))
  return stdout.content ?? ''
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits for something to come about. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await pause(5)
}

/** Processes of this machine whose command line has a word in it. */
function processesWith(word: string): readonly number[] {
  const isOf = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
    } catch {
      return false // it ended while it was looked at
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isOf(name))
    .map(Number)
}

describe('a box', () => {
  boxed('has the root and the system in it, and nothing else', async () => {
    const root = freshRoot()
    const top = (await said(root, 'echo /*')).trim().split(' ')
    const system = ['/bin', '/dev', '/lib', '/lib32', '/lib64', '/libx32', '/proc', '/sbin', '/usr']
    expect(top.filter((path) => ![...system, '/etc', '/tmp'].includes(path))).toEqual([])
    expect((await said(root, 'echo /tmp/*')).trim()).toBe(root)
    expect((await said(root, 'echo /dev/*')).trim().split(' ').toSorted()).toEqual(
      ['core', 'fd', 'full', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', 'stdout']
        .concat(['tty', 'urandom', 'zero'])
        .map((name) => `/dev/${name}`),
    )
  })

  boxed('shows what the grant and every grant above it shows', async () => {
    const [root, one, two] = [freshRoot(), freshRoot(), freshRoot()]
    writeFileSync(join(one, 'seen'), '')
    writeFileSync(join(two, 'unseen'), '')
    const resource = grantOn(root, { reads: [one, two] })
    const above = [grantOn(root, { reads: [one] })]
    const text = `ls ${one} ${two}; echo x > ${one}/seen && echo written`
    const { stdout } = await resultOf(resource, script(text), { above })
    expect(stdout.content).toBe(`${one}:\nseen\n`)
  })

  boxed('lets the root be written only when the call says so', async () => {
    const root = freshRoot()
    await said(root, 'echo x > kept', { write: false })
    expect(existsSync(join(root, 'kept'))).toBe(false)
    await said(root, 'echo x > kept')
    expect(existsSync(join(root, 'kept'))).toBe(true)
    const made = await said(
      root,
      'for f in /x /usr/x /etc/x /dev/x /proc/x; do echo > $f && echo $f; done',
    )
    expect(made).toBe('')
  })

  boxed('shows a program that lies elsewhere, and nothing beside it', async () => {
    const [root, other] = [freshRoot(), freshRoot()]
    const program = join(other, 'tool')
    writeFileSync(program, `#!/bin/sh\nls ${other}\n`, { mode: 0o755 })
    writeFileSync(join(other, 'beside'), '')
    const resource = grantOn(root, { programs: [{ path: program }] })
    const { stdout } = await resultOf(resource, proc.run('g', { program }))
    expect(stdout.content).toBe('tool\n')
  })

  boxed('has no process in it but its own', async () => {
    const shown = await said(freshRoot(), 'cd /proc; echo [0-9]*')
    expect(shown.trim().split(' ').length).toBeLessThanOrEqual(2)
  })

  boxed('has room for so many processes', async () => {
    const resource = grantOn(freshRoot(), {})
    const text = 'i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; echo all'
    const options = { limits: { processes: 20 } }
    const result = await resultOf(resource, script(text), options)
    expect(result.stdout.content).toBe('')
    expect(result.stderr.content).toContain('fork')
  })

  boxed('ends with everything in it, also what left the session', async () => {
    const root = freshRoot()
    const text =
      '(setsid sh -c "while :; do echo x >> beat; sleep 0.02; done" <&- >&- 2>&- &); sleep 0.2'
    await said(root, text)
    const size = readFileSync(join(root, 'beat')).length
    expect(size).toBeGreaterThan(0)
    await pause(200)
    expect(readFileSync(join(root, 'beat')).length).toBe(size)
  })

  boxed('ends when whoever started it is killed', async () => {
    const root = freshRoot()
    const child = helper(root, 'boxed', 'while :; do echo x >> beat; sleep 0.02; done')
    await until(() => existsSync(join(root, 'beat')))
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
    await until(() => processesWith('echo x >> beat').length === 0)
    const size = readFileSync(join(root, 'beat')).length
    await pause(200)
    expect(readFileSync(join(root, 'beat')).length).toBe(size)
  })

  boxed('leaves nothing behind on the machine', async () => {
    const left = (): readonly string[] =>
      ['/dev', '/sys/fs/cgroup', '/sys/fs/cgroup/pids', '/tmp']
        .filter((path) => existsSync(path))
        .flatMap((path) => readdirSync(path).map((name) => `${path}/${name}`))
        .filter((path) => /\/ice-(?:box-|\d)/.test(path) && path.includes(`${process.pid}`))
    const root = freshRoot()
    await said(root, 'exit 1')
    await resultOf(grantOn(root), script('sleep 9', { timeoutMs: 50 }))
    expect(left()).toEqual([])
  })

  boxed('is taken down, and nothing has run, when its root is another by then', async () => {
    const root = freshRoot()
    const { dev, ino } = statSync(freshRoot())
    const init = {
      settings: settingsOf({}),
      plan: { program: SH, root, cwd: root, reads: [], env: {}, write: true, network: false },
      args: ['-c', `echo > ${root}/ran`],
      hasInput: false,
      root: { dev, ino },
      signal: new AbortController().signal,
    }
    await expect(startBoxed(init)).rejects.toMatchObject({
      code: 'ICE_EFFECTS_PROC_START_UNAVAILABLE',
    })
    expect(existsSync(join(root, 'ran'))).toBe(false)
  })

  boxed('that somebody else takes down leaves the call in doubt', async () => {
    const root = freshRoot()
    const mark = `mark-${process.pid}`
    const code = codeOfProc(
      grantOn(root, { write: true }),
      script('echo > ran; exec sleep 60', {
        write: true,
        args: ['-c', 'echo > ran; exec sleep 60', mark],
      }),
    )
    await until(() => existsSync(join(root, 'ran')))
    const boxes = processesWith(mark).filter((pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === `${process.pid}`
    })
    expect(boxes).toHaveLength(1)
    process.kill(boxes[0] ?? 0, 'SIGKILL')
    expect(await code).toBe('ICE_EFFECTS_PROC_END_IN_DOUBT')
  })

  boxed('has no room in /proc, /sys and /dev', async () => {
    for (const root of ['/proc', '/proc/self', '/sys/kernel', '/dev/shm']) {
      expect(await codeOfProc(grantOn(root), script('x'))).toBe('ICE_EFFECTS_PROC_ROOT_UNSUPPORTED')
    }
    const shows = grantOn(freshRoot(), { reads: ['/dev/shm'] })
    expect(await codeOfProc(shows, script('x'))).toBe('ICE_EFFECTS_PROC_ROOT_UNSUPPORTED')
  })
})

describe('looking', () => {
  const look = (text: string) => proc.observe('g', { program: SH, args: ['-c', text] })

  boxed('changes nothing, whatever the grant would allow', async () => {
    const root = freshRoot()
    const resource = grantOn(root, OPEN)
    const { value, observed } = await performProc(resource, look('echo x > made; ls; echo end'))
    expect(value).toMatchObject({ exitCode: 0, stdout: { content: 'end\n' } })
    expect(observed['sandbox']).toMatchObject({ root: 'read', network: 'none' })
    expect(readdirSync(root)).toEqual([])
  })

  it('takes no arguments that would change something', async () => {
    for (const more of [{ write: true }, { network: true }, { sandbox: 'unsandboxed' }]) {
      const request = { ...look('x'), arguments: { program: SH, ...more } }
      const code = await codeOfProc(grantOn(freshRoot(), OPEN), request)
      expect(code).toBe('ICE_EFFECTS_ARGUMENTS_UNSUPPORTED')
    }
  })

  boxed('has not acted when it was aborted', async () => {
    const root = freshRoot()
    const options = { signal: AbortSignal.timeout(500) }
    expect(await codeOfProc(grantOn(root), look('sleep 60'), options)).toBe('ICE_EFFECTS_ABORTED')
  })
})

describe('where no box works', () => {
  /** Something that is called bubblewrap. */
  const fake = (text: string): { readonly bubblewrap: string } => {
    const bubblewrap = join(freshRoot(), 'bwrap')
    writeFileSync(bubblewrap, text)
    chmodSync(bubblewrap, 0o755)
    return { bubblewrap }
  }

  it.each([
    ['missing', () => ({ bubblewrap: '/usr/bin/ice-no-such-program' })],
    ['a directory', () => ({ bubblewrap: '/usr/bin' })],
    ['no program', () => fake('nothing')],
    ['one that fails', () => fake('#!/bin/sh\nexit 1\n')],
    ['one that makes no box', () => fake('#!/bin/sh\nshift 3; exec "$@"\n')],
    [
      'one that pretends',
      () => fake(`#!/bin/sh\necho '{"child-pid": '$$'}' >&3; shift 3; exec "$@"\n`),
    ],
  ])(
    'a call that needs one is refused: bubblewrap is %s',
    async (_, options) => {
      const root = freshRoot()
      const request = script(`echo > ${root}/ran`, { write: true })
      const resource = grantOn(root, { write: true })
      const made = options()
      expect(await codeOfProc(resource, request, made)).toBe('ICE_EFFECTS_PROC_SANDBOX_UNSUPPORTED')
      expect(existsSync(join(root, 'ran'))).toBe(false)
      expect(await describeProcesses(made)).toMatchObject({ sandbox: false })
    },
    30_000,
  )

  it('one that needs none is carried out, and says so', async () => {
    const options = { bubblewrap: '/usr/bin/ice-no-such-program' }
    const root = freshRoot()
    const { observed } = await performProc(grantOn(root, OPEN), script('exit 0', OPEN), options)
    expect(observed['sandbox']).toEqual({ kind: 'none' })
  })
})

/** Starts a process that starts a program, with a descriptor that it hands on unless prevented. */
function helper(root: string, mode: string, text: string): ChildProcess {
  const secret = join(root, 'secret')
  mkdirSync(secret, { recursive: true })
  const stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'inherit' as 'ignore']
  while (stdio.length < 100) stdio.push('ignore')
  stdio.push(openSync(secret, 'r'))
  const entry = join(import.meta.dirname, 'proc-child.ts')
  return spawn(process.execPath, [entry, root, mode, text], { stdio })
}

describe('descriptors this process was started with', () => {
  it.skipIf(!hasBox).each(['boxed', 'unsandboxed'])('are not handed on: %s', async (mode) => {
    const child = helper(freshRoot(), mode, 'readlink /proc/self/fd/100; exit 0')
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    await new Promise((resolve) => child.once('close', resolve))
    const { stdout } = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    expect(stdout.content).toBe('/dev/null\n')
  })
})
