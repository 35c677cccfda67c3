/**
 * A call from its authority to the end of its program.
 *
 *     every link ─► box works ─► program, secrets, root ─► start ─► supervise ─► report
 *     └──────────── nothing was started ─────────────────┘        └── an outcome, or in doubt
 *
 * The trap: a failure that is told after the program ran. A caller who reads "failed" tries again,
 * and what could not be repeated happens twice. So from its start on a program has an outcome,
 * however it was ended, and where that is not known the call is in doubt.
 */

import { Buffer } from 'node:buffer'
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { procKind } from '@ice/capabilities'
import type { Resource } from '@ice/capabilities/ports'
import { invariant } from '@ice/primitives'
import type { EffectCall, EffectReport } from '@ice/runs/ports'
import { throwIfAborted } from '../bytes.ts'
import { anchorOf } from '../choose.ts'
import { errnoOf, translated } from '../errno.ts'
import { EFFECTS_CODES, EffectsError } from '../errors.ts'
import { isLiteral } from '../names.ts'
import { parsePath, pathText } from '../path.ts'
import { presentIn } from '../present.ts'
import { findRooted } from '../rooted.ts'
import { scrubStreamsOf } from '../secrets/with-secrets.ts'
import {
  checkedProcessArguments,
  claimOf,
  type ProcessArguments,
  runArguments,
} from './arguments.ts'
import { isKernels } from './box.ts'
import { PROCESS_CODES, ProcessError } from './errors.ts'
import { type Handed, handedOver } from './handed.ts'
import type { Settings } from './options.ts'
import { reported } from './report.ts'
import type { Running } from './running.ts'
import { requireSandbox } from './sandbox.ts'
import { startBare } from './start-bare.ts'
import { startBoxed } from './start-boxed.ts'
import { type Supervised, supervised } from './supervise.ts'

/** Carries a call out. */
export async function performed(settings: Settings, call: EffectCall): Promise<EffectReport> {
  const args = checkedProcessArguments(runArguments, call.arguments)
  throwIfAborted(call.signal)
  const allowed = authorised(call, args)
  if (args.sandbox === 'required') await requireSandbox(settings)
  else requireLinux(settings)
  checkProgram(args.program)
  try {
    const handed = await handedOver(call, args)
    const init = { settings, call, args, allowed, handed }
    return await finished(await start(init), init)
  } catch (error) {
    throw translated(error, args.cwd)
  }
}

/** What the chain allows that a call does not name. */
interface Allowed {
  readonly root: string
  /** What every link shows. */
  readonly reads: readonly string[]
}

/** @throws {ProcessError} `ICE_EFFECTS_PROC_RESOURCE_DENIED`, `…_ROOT_UNSUPPORTED` */
function authorised(call: EffectCall, args: ProcessArguments): Allowed {
  const { resources } = call.grant
  invariant(resources.length > 0, 'a call has the resources of its chain')
  const claim = claimOf(args)
  for (const resource of resources) {
    const why = judged(resource, call.action, claim)
    if (why !== undefined) throw denied(why)
  }
  const open = args.write || args.network || args.sandbox !== 'required'
  if (call.action === 'proc.observe' && open) throw denied('what only observes is held by a box')
  const roots = new Set(resources.map(({ root }) => root as string))
  const [root = ''] = roots
  if (roots.size > 1) throw denied('the grants of its chain have more than one root')
  const lists = resources.map(({ reads }) => (reads ?? []) as readonly string[])
  const reads = (lists[0] ?? []).filter((path) => lists.every((list) => list.includes(path)))
  const isBoxed = args.sandbox === 'required'
  if (isBoxed && [root, ...reads].some(isKernels)) {
    const message = 'The root of the grant, or what it shows, lies in /proc, /sys or /dev'
    throw new ProcessError(PROCESS_CODES.root, message)
  }
  return { root, reads }
}

function judged(
  resource: Resource,
  action: string,
  claim: ReturnType<typeof claimOf>,
): string | undefined {
  if (resource.kind !== procKind.kind) return 'the grant is not about programs'
  return procKind.checkResource(resource) ?? procKind.refuses(resource, action, claim)
}

function denied(why: string): ProcessError {
  return new ProcessError(PROCESS_CODES.resource, `Refused: ${why}`)
}

function requireLinux({ prlimit }: Settings): void {
  const isThere = statSync(prlimit, { throwIfNoEntry: false })?.isFile() === true
  if (process.platform === 'linux' && isThere) return
  const message = 'Programs are started on Linux, with prlimit of util-linux'
  throw new ProcessError(PROCESS_CODES.platform, message)
}

/**
 * Makes sure that there is a program. A file that is neither ELF nor has an interpreter of its own
 * is none: what starts programs would hand it to a shell.
 *
 * @throws {ProcessError} `ICE_EFFECTS_PROC_PROGRAM_NOT_FOUND`
 */
function checkProgram(program: string): void {
  try {
    accessSync(program, constants.X_OK)
    if (statSync(program).isFile() && hasFormat(program)) return
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
  }
  const message = 'There is no program of this path that this process may execute'
  throw new ProcessError(PROCESS_CODES.program, message, { program })
}

/** Whether the kernel knows what to do with a file. */
function hasFormat(program: string): boolean {
  const magic = Buffer.alloc(4)
  let fd: number
  try {
    fd = openSync(program, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    // What cannot be read can be executed, and no shell can read it either.
    if (errnoOf(error) === 'EACCES') return true
    throw error
  }
  try {
    readSync(fd, magic)
  } finally {
    closeSync(fd)
  }
  const text = magic.toString('latin1')
  return text === '\u007fELF' || text.startsWith('#!')
}

interface StartInit {
  readonly settings: Settings
  readonly call: EffectCall
  readonly args: ProcessArguments
  readonly allowed: Allowed
  readonly handed: Handed
}

/** A program that runs, and where. */
interface Started {
  readonly running: Running
  readonly cwd: string
}

/** Starts a program in the directory that its path leads to below the root, links undone. */
async function start(init: StartInit): Promise<Started> {
  const { settings, call, args, allowed, handed } = init
  const { program, write, network } = args
  const { env } = handed
  const anchor = anchorOf({})
  const resources = [{ kind: 'fs', root: allowed.root }]
  const path = parsePath(args.cwd)
  const directory = { ...path, isDirectory: true }
  const find = <T>(use: (place: string, names: readonly string[]) => T): T =>
    findRooted({ anchor, resources, path: directory, last: 'follow' }, (found) => {
      const { entry, names } = presentIn(found, args.cwd)
      return use(`${entry.place}`, names)
    })
  const shown = (names: readonly string[]): string => join(allowed.root, ...names.map(literalOf))
  const common = { settings, args: args.args, hasInput: handed.input !== undefined }
  if (args.sandbox === 'unsandboxed') {
    return find((place, names) => {
      throwIfAborted(call.signal)
      const bare = { ...common, program, env, cwd: place, shownCwd: shown(names) }
      return { running: startBare(bare), cwd: pathText(names) }
    })
  }
  const names = find((_, gone) => gone)
  const plan = { program, env, write, network, ...allowed, cwd: shown(names) }
  const root = rootOf(anchor, allowed.root)
  const running = await startBoxed({ ...common, plan, root, signal: call.signal })
  return { running, cwd: pathText(names) }
}

/** A name as it is told to a program. */
function literalOf(name: string): string {
  if (isLiteral(name)) return name
  const message = 'A program is not started in a directory whose name is not UTF-8'
  throw new EffectsError(EFFECTS_CODES.pathUnsupported, message)
}

function rootOf(anchor: ReturnType<typeof anchorOf>, path: string): { dev: number; ino: number } {
  const held = anchor.openRoot(path)
  try {
    const { dev, ino } = anchor.inspect(held)
    return { dev, ino }
  } finally {
    held.close()
  }
}

/** Supervises what was started, and reports. */
async function finished(
  { running, cwd }: Started,
  { settings, call, args, handed }: StartInit,
): Promise<EffectReport> {
  try {
    const result = await supervised(running, {
      call,
      input: handed.input,
      scrubbing: scrubStreamsOf(call),
      maxBytes: args.maxBytes,
      timeoutMs: args.timeoutMs,
      graceMs: settings.limits.graceMs,
    })
    checkKnown(call, running, result)
    return reported({ action: call.action, args, cwd, held: running.held }, result)
  } finally {
    running.close()
  }
}

/** @throws {ProcessError} `ICE_EFFECTS_PROC_END_IN_DOUBT`, `…_INTERRUPTED_UNAVAILABLE` */
function checkKnown(call: EffectCall, { held }: Running, result: Supervised): void {
  const { reason, ending, killed, gone } = result
  if (call.action === 'proc.observe' && reason === 'aborted') {
    const message = 'The call was aborted while its program ran; it can have changed nothing'
    throw new ProcessError(PROCESS_CODES.interrupted, message)
  }
  const isOthers = held.kind === 'bubblewrap' && ending.signal !== null && !killed
  if (gone && !isOthers) return
  const why = gone ? 'its box was taken down by somebody else' : 'something of it still runs'
  const message = `The program was started, and how it ended is not known: ${why}`
  throw new ProcessError(PROCESS_CODES.doubt, message, { reason: gone ? 'box' : 'remains' })
}
