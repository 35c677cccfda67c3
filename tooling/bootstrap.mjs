/**
 * The one file that runs on whatever Node the machine has (18 or newer), before anything is
 * installed. It puts `node_modules` in step with the lockfile and starts a command of
 * `tooling/src/commands/` on the project's own Node.
 *
 *     node tooling/bootstrap.mjs <command> [arguments]
 *
 * 1. stdout belongs to the command: whatever is said here goes to stderr.
 * 2. Nothing is imported but Node's own modules, in syntax that Node 18 reads.
 * 3. The command's exit code, or the signal that ended it, is ours.
 * 4. A set-up that failed says in plain words what is missing, and is not taken for one that held.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules', '.bin')
/** Says of which manifests this install was made, and which Node belongs to it. */
const stampFile = join(root, 'node_modules', '.ice-installed')
const isWindows = process.platform === 'win32'

const NODE_FOR_BOOTSTRAP = [18, 0]
const NODE_FOR_PACKAGES = [22, 12]
/** From here on Node reads TypeScript without being told to. */
const NODE_READS_TYPESCRIPT = [22, 18]
const SIGN_OF_LIFE_MS = 5_000

const say = (line) => process.stderr.write(`${line}\n`)

const giveUp = (...lines) => {
  for (const line of lines) say(line)
  process.exit(1)
}

/** Whether a version such as `v22.12.0` is this one or a later one. */
const isAtLeast = (version, [major, minor]) => {
  const [hasMajor, hasMinor] = version.replace(/^v/, '').split('.').map(Number)
  return hasMajor > major || (hasMajor === major && hasMinor >= minor)
}

const isOnPath = (name) =>
  (process.env.PATH || '')
    .split(delimiter)
    .some((folder) =>
      (isWindows ? [`${name}.exe`, `${name}.cmd`] : [name]).some((file) =>
        existsSync(join(folder, file)),
      ),
    )

/** What tools are told: no telemetry. */
const toolEnvironment = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
  SCARF_ANALYTICS: 'false',
}

/** A digest of everything whose change makes an install necessary. */
const digestOfManifests = () => {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`)
  const folders = ['packages', 'apps', 'examples'].flatMap((group) =>
    existsSync(join(root, group))
      ? readdirSync(join(root, group)).map((name) => join(group, name))
      : [],
  )
  const manifests = ['.', 'tooling', ...folders].map((f) => join(f, 'package.json'))
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests.sort()]) {
    const path = join(root, file)
    if (existsSync(path)) hash.update(`${file}\n`).update(readFileSync(path))
  }
  return hash.digest('hex')
}

/** The Node of an install that is in step with the manifests; undefined when it is not. */
const nodeOfInstall = () => {
  if (!existsSync(stampFile)) return undefined
  const [digest, node = ''] = readFileSync(stampFile, 'utf8').split('\n')
  return digest === digestOfManifests() && existsSync(node) ? node : undefined
}

/** How to start the pinned pnpm: the one installed here, the machine's own, or by way of npx. */
const findPnpm = (pin) => {
  for (const command of [join(bin, isWindows ? 'pnpm.cmd' : 'pnpm'), 'pnpm']) {
    const options = { cwd: root, encoding: 'utf8', shell: isWindows }
    const asked = spawnSync(command, ['--version'], options)
    if (asked.status === 0 && asked.stdout.trim() === pin) return [command]
  }
  if (!isOnPath('npx')) giveUp('npm was not found on the PATH. It comes with Node from nodejs.org.')
  return ['npx', '--yes', `pnpm@${pin}`]
}

/** What an installer's complaints mean, for someone who has never seen this project. */
const complaints = [
  {
    says: /ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|dns error|sending request/i,
    means: [
      'The npm registry could not be reached; the first run fetches tools and libraries from it.',
      'Check the network, a proxy (HTTPS_PROXY), and the registry in your .npmrc.',
      'Then run the same command again.',
    ],
  },
  {
    says: /OUTDATED_LOCKFILE|NO_IMPORTER|not up\s+to date|present in the workspace/i,
    isInDetail: true,
    means: [
      'pnpm-lock.yaml is out of step with a package.json.',
      'Run `npx pnpm install` in the root of the project, and commit the lockfile.',
    ],
  },
  { says: /ENOSPC|No space left/i, means: ['The disk is full: about 700 MB are needed.'] },
  {
    says: /EACCES|EPERM|EROFS|Permission denied/i,
    means: [`A folder cannot be written: ${root}, or the cache of npm in your home folder.`],
  },
]

/** The plain words for a complaint; the installer's own where they say more, or all there is. */
const explain = (output) => {
  const known = complaints.find(({ says }) => says.test(output))
  const words = output.split('\n').filter((line) => !line.startsWith('npm notice'))
  const last = words.join('\n').trim().split('\n').slice(-12)
  if (known === undefined) return last
  return known.isInDetail ? [...last, '', ...known.means] : known.means
}

/** An installer that waits a minute before it says that nobody answers helps nobody. */
const installerEnvironment = {
  CI: 'true',
  npm_config_update_notifier: 'false',
  npm_config_fetch_retries: '1',
  npm_config_fetch_retry_mintimeout: '2000',
  pnpm_config_fetch_retries: '1',
  pnpm_config_fetch_retry_mintimeout: '2000',
}

/** Runs the installer with its output kept back, and a sign of life every few seconds. */
const install = (pin) =>
  new Promise((resolve) => {
    const started = Date.now()
    const seconds = () => Math.round((Date.now() - started) / 1000)
    say('Setting up: fetching tools and libraries from the npm registry (once, about 20 s) …')
    const [command, ...first] = findPnpm(pin)
    const args = ['install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only']
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      env: { ...toolEnvironment, ...installerEnvironment },
      shell: isWindows,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => keep(String(error)))
    const alive = setInterval(() => say(`  still installing, ${seconds()} s`), SIGN_OF_LIFE_MS)
    child.on('close', (status) => {
      clearInterval(alive)
      if (status !== 0) giveUp('The set-up did not finish.', ...explain(output))
      say(`Set up in ${seconds()} s.`)
      resolve()
    })
  })

/** The Node that came from the registry, or the machine's own where that is new enough. */
const findNode = () => {
  const system = isWindows ? 'win' : process.platform
  for (const kind of ['node', 'node-bin']) {
    const folder = join(root, 'node_modules', `${kind}-${system}-${process.arch}`, 'bin')
    const path = join(folder, isWindows ? 'node.exe' : 'node')
    // A binary for another C library is there and does not start.
    if (existsSync(path) && spawnSync(path, ['--version']).status === 0) return path
  }
  if (isAtLeast(process.version, NODE_FOR_PACKAGES)) return process.execPath
  return giveUp(
    `The npm registry has no Node 24 that runs here (${process.platform}, ${process.arch}).`,
    `Your own Node would do from ${NODE_FOR_PACKAGES.join('.')} on, but it is ${process.version}.`,
    'Install a newer one (https://nodejs.org) and run the same command again.',
  )
}

/** Flags without which this Node would not read our sources. */
const flagsFor = (node) => {
  const isOwn = node === process.execPath
  return isOwn && !isAtLeast(process.version, NODE_READS_TYPESCRIPT)
    ? ['--experimental-strip-types', '--disable-warning=ExperimentalWarning']
    : []
}

const run = (node, file, args) => {
  const path = [bin, dirname(node), process.env.PATH || ''].join(delimiter)
  const options = [process.env.NODE_OPTIONS || '', ...flagsFor(node)].join(' ').trim()
  const child = spawn(node, [file, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...toolEnvironment, PATH: path, ...(options ? { NODE_OPTIONS: options } : {}) },
  })
  // A terminal sends Ctrl-C to the whole group, so there the child has it already.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (status, signal) => {
    if (signal === null) process.exit(status)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

const [command = '', ...args] = process.argv.slice(2)
const file = join(root, 'tooling', 'src', 'commands', `${command}.ts`)

if (!isAtLeast(process.version, NODE_FOR_BOOTSTRAP)) {
  giveUp(`Node ${NODE_FOR_BOOTSTRAP[0]} or newer is needed; this is ${process.version}.`)
}
if (command === '' || !existsSync(file)) {
  say('usage: node tooling/bootstrap.mjs <command> [arguments]')
  process.exit(2)
}
if (!isOnPath('git')) {
  say('git was not found on the PATH. Running works without it; committing and releasing do not.')
}
if (nodeOfInstall() === undefined) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  rmSync(stampFile, { force: true })
  await install(manifest.packageManager.split('@')[1])
  writeFileSync(stampFile, `${digestOfManifests()}\n${findNode()}\n`)
}
run(nodeOfInstall(), file, args)
