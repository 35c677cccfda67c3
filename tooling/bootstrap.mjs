/**
 * The one file that runs on whatever Node the machine has (18 or newer), before anything is
 * installed. It puts `node_modules` in step with the lockfile and starts a command of
 * `tooling/src/commands/` on the project's own Node.
 *
 *   node tooling/bootstrap.mjs <command> [arguments]
 *
 * 1. stdout belongs to the command: whatever is said here goes to stderr.
 * 2. Nothing is imported but Node's own modules, in syntax that Node 18 reads.
 * 3. The command's exit code, or the signal that ended it, is ours.
 * 4. A set-up that failed says in plain words what is missing, and leaves no stamp.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')
const stampFile = join(root, 'node_modules', '.ice-installed')
const windows = process.platform === 'win32'

/** The oldest Node this file runs on, and the oldest the packages run on. */
const NODE_FOR_BOOTSTRAP = [18, 0]
const NODE_FOR_PACKAGES = [22, 12]
/** From here on Node reads TypeScript without being told to. */
const NODE_READS_TYPESCRIPT = [22, 18]

const quietTools = {
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  SCARF_ANALYTICS: 'false',
}

/** @param {string} line */
const say = (line) => process.stderr.write(`${line}\n`)

/** @param {string[]} lines @returns {never} */
const giveUp = (...lines) => {
  for (const line of lines) say(line)
  process.exit(1)
}

/** @param {string} version @param {number[]} wanted */
const atLeast = (version, [major, minor]) => {
  const [hasMajor, hasMinor] = version.replace(/^v/, '').split('.').map(Number)
  return hasMajor > major || (hasMajor === major && hasMinor >= minor)
}

/** @param {string} name */
const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, windows ? `${name}.exe` : name)))

/** Everything whose change makes an install necessary: the lockfile and each manifest. */
const stampOfNow = () => {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  const folders = ['packages', 'apps'].flatMap((group) =>
    existsSync(join(root, group))
      ? readdirSync(join(root, group)).map((name) => join(group, name))
      : [],
  )
  const manifests = ['.', 'tooling', 'examples', ...folders].map((f) => join(f, 'package.json'))
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests.sort()]) {
    const path = join(root, file)
    if (existsSync(path)) hash.update(`${file}\n`).update(readFileSync(path))
  }
  return hash.digest('hex')
}

const installed = () =>
  existsSync(stampFile) && readFileSync(stampFile, 'utf8').trim() === stampOfNow()

/** How to start the pinned pnpm: ours, the machine's own, or by way of npx. */
const findPnpm = (pin) => {
  const candidates = [join(bin, windows ? 'pnpm.cmd' : 'pnpm'), 'pnpm']
  for (const command of candidates) {
    const asked = spawnSync(command, ['--version'], { cwd: root, encoding: 'utf8', shell: windows })
    if (asked.status === 0 && asked.stdout.trim() === pin) return [command]
  }
  return ['npx', '--yes', `pnpm@${pin}`]
}

/** What an installer's complaint means, for someone who has never seen this project. */
const explain = (output) => {
  if (
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|dns error|Failed to fetch|error sending request/i.test(
      output,
    )
  ) {
    return [
      'The npm registry could not be reached. The first run needs it, to fetch the tools and libraries.',
      'Check the network, a proxy (HTTPS_PROXY), or the registry set in your .npmrc; then run the same command again.',
    ]
  }
  if (/OUTDATED_LOCKFILE|not up to date|workspace/i.test(output)) {
    return [
      'pnpm-lock.yaml is out of step with a package.json.',
      'Run `npx pnpm install` in the root of the project, and commit the lockfile.',
    ]
  }
  if (/ENOSPC|No space left/i.test(output)) return ['The disk is full. About 600 MB are needed.']
  if (/EACCES|EPERM|EROFS|Permission denied/i.test(output)) {
    return [`Something here cannot be written: ${root}, or npm's cache in your home folder.`]
  }
  return ['The installer failed; its last words are above.']
}

/** Runs the installer with its output kept back, and a sign of life every few seconds. */
const install = (pin) =>
  new Promise((resolve) => {
    const started = Date.now()
    const seconds = () => Math.round((Date.now() - started) / 1000)
    say('Setting up: fetching tools and libraries from the npm registry (once; about 20 s) …')
    const [command, ...first] = findPnpm(pin)
    const child = spawn(
      command,
      [...first, 'install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only'],
      {
        cwd: root,
        env: { ...process.env, ...quietTools, CI: 'true' },
        shell: windows,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const alive = setInterval(() => say(`  still installing, ${seconds()} s`), 5_000)
    child.on('error', (error) => keep(String(error)))
    child.on('close', (status) => {
      clearInterval(alive)
      if (status === 0) {
        say(`Set up in ${seconds()} s.`)
        return resolve(undefined)
      }
      say(output.trim().split('\n').slice(-15).join('\n'))
      giveUp('', 'The set-up did not finish.', ...explain(output))
    })
  })

/** The Node that came from the registry, or the machine's own where it is new enough. */
const findNode = () => {
  const own = join(bin, windows ? 'node.cmd' : 'node')
  const asked = spawnSync(own, ['-p', 'process.execPath'], { encoding: 'utf8', shell: windows })
  if (asked.status === 0) return { path: asked.stdout.trim(), flags: [] }
  if (!atLeast(process.version, NODE_FOR_PACKAGES)) {
    giveUp(
      `There is no Node 24 package for ${process.platform} on ${process.arch}, and this Node is ${process.version}.`,
      `Install Node ${NODE_FOR_PACKAGES.join('.')} or newer (https://nodejs.org) and run the same command again.`,
    )
  }
  const flags = atLeast(process.version, NODE_READS_TYPESCRIPT)
    ? []
    : ['--experimental-strip-types']
  return { path: process.execPath, flags }
}

/** @param {string} command @param {string[]} args */
const run = (command, args) => {
  const node = findNode()
  const path = [bin, dirname(node.path), process.env.PATH ?? ''].join(delimiter)
  const options = [process.env.NODE_OPTIONS ?? '', ...node.flags].join(' ').trim()
  const child = spawn(
    node.path,
    [join(root, 'tooling', 'src', 'commands', `${command}.ts`), ...args],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        ...quietTools,
        PATH: path,
        ...(options ? { NODE_OPTIONS: options } : {}),
      },
    },
  )
  // A terminal sends its signals to the whole group, so the child has SIGINT already; a
  // supervisor sends to us alone.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (status, signal) => {
    if (signal === null) process.exit(status ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

if (!atLeast(process.version, NODE_FOR_BOOTSTRAP)) {
  giveUp(`Node ${NODE_FOR_BOOTSTRAP[0]} or newer is needed; this is ${process.version}.`)
}
const [command, ...args] = process.argv.slice(2)
if (
  command === undefined ||
  !existsSync(join(root, 'tooling', 'src', 'commands', `${command}.ts`))
) {
  say('usage: node tooling/bootstrap.mjs <command> [arguments]')
  process.exit(2)
}
if (!onPath('git')) {
  say('git was not found on the PATH. Running works without it; committing and releasing do not.')
}
if (!installed()) {
  const pin = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).packageManager.split(
    '@',
  )[1]
  rmSync(stampFile, { force: true })
  await install(pin)
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, `${stampOfNow()}\n`)
}
run(command, args)
