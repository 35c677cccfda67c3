import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { projectRoot } from '../src/lib/house.ts'

let root = ''
const calls = (): number =>
  existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').length : 0

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

/** An installer that is there already: it notes each install and does what `then` says. */
const installer = (then: string): void => {
  const path = 'node_modules/.bin/pnpm'
  write(path, `#!/bin/sh\n[ "$1" = --version ] && echo 9.9.9 && exit\nprintf x >> calls\n${then}\n`)
  chmodSync(join(root, path), 0o755)
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ice-bootstrap-'))
  mkdirSync(join(root, 'tooling'))
  cpSync(join(projectRoot, 'tooling/bootstrap.mjs'), join(root, 'tooling/bootstrap.mjs'))
  write('package.json', '{ "packageManager": "pnpm@9.9.9", "type": "module" }')
  write('tooling/src/commands/echo.ts', 'console.log(JSON.stringify(process.argv.slice(2)))')
  write('tooling/src/commands/seven.ts', 'process.exitCode = 7 as number')
  write('tooling/src/commands/wait.ts', `console.log('waiting'); setInterval(() => {}, 1_000)`)
  installer('exit 0')
})
afterEach(() => rmSync(root, { recursive: true }))

interface Ended {
  readonly status: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

interface Start {
  readonly path?: string
  /** The Node that the bootstrap is to believe it runs on. */
  readonly version?: string
  readonly kill?: NodeJS.Signals
}

/** Starts the bootstrap; with `kill`, sends a signal once the command says something. */
const bootstrap = (args: readonly string[], { path, version, kill }: Start = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const pretend = `Object.defineProperty(process, 'version', { value: '${version}' })`
    const preload = version === undefined ? [] : ['--import', `data:text/javascript,${pretend}`]
    const child = spawn(process.execPath, [...preload, 'tooling/bootstrap.mjs', ...args], {
      cwd: root,
      env: { ...process.env, PATH: path ?? process.env['PATH'] },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => {
      stdout += chunk
      if (kill !== undefined) child.kill(kill)
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }))
  })

describe('the bootstrap', () => {
  it('hands arguments on, and leaves stdout to the command', async () => {
    const ended = await bootstrap(['echo', 'a b', '--quiet'])
    expect(ended).toMatchObject({ status: 0, stdout: '["a b","--quiet"]\n' })
    expect(ended.stderr).toMatch(/^Setting up: .*\nSet up in \d+ s\.\n$/)
  })

  it('installs once, and again when a manifest has changed', async () => {
    await bootstrap(['echo'])
    expect((await bootstrap(['echo'])).stderr).toBe('')
    expect(calls()).toBe(1)
    write('packages/events/package.json', '{}')
    await bootstrap(['echo'])
    expect(calls()).toBe(2)
  })

  it('ends as the command ends, by its code or by a signal', async () => {
    expect((await bootstrap(['seven'])).status).toBe(7)
    expect(await bootstrap(['wait'], { kill: 'SIGTERM' })).toMatchObject({ signal: 'SIGTERM' })
  })

  it.each([
    ['echo "getaddrinfo ENOTFOUND registry.npmjs.org"; exit 1', 'registry could not be reached'],
    ['echo ERR_PNPM_OUTDATED_LOCKFILE; exit 1', 'out of step with a package.json'],
    ['echo "write: No space left on device"; exit 1', 'The disk is full'],
    ['echo "mkdir: Permission denied"; exit 1', 'cannot be written'],
    ['echo "it broke"; exit 1', 'it broke'],
  ])('says in plain words why a set-up failed: %s', async (then, says) => {
    installer(then)
    const ended = await bootstrap(['echo'])
    expect(ended).toMatchObject({ status: 1, stdout: '' })
    expect(ended.stderr).toContain(says)
    installer('exit 0')
    expect((await bootstrap(['echo'])).status).toBe(0)
  })

  it('says which Node is too old, and which where none can be fetched', async () => {
    const old = await bootstrap(['echo'], { version: 'v16.20.2' })
    expect(old).toMatchObject({ status: 1, stderr: expect.stringContaining('this is v16.20.2') })
    const middle = await bootstrap(['echo'], { version: 'v20.20.2' })
    expect(middle.status).toBe(1)
    expect(middle.stderr).toMatch(/no Node 24 that runs here/)
    expect(middle.stderr).toMatch(/22\.12 on, but it is v20\.20\.2/)
  })

  it('says that git is missing, and goes on', async () => {
    const path = [join(root, 'node_modules/.bin'), '/nowhere'].join(delimiter)
    const ended = await bootstrap(['echo'], { path })
    expect(ended).toMatchObject({ stderr: expect.stringContaining('git was not found') })
  })

  it('refuses a command that does not exist with 2', async () => {
    expect(await bootstrap(['nothing'])).toMatchObject({ status: 2, stdout: '' })
    expect((await bootstrap([])).status).toBe(2)
  })
})
