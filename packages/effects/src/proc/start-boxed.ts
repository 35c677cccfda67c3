/**
 * Starting a program in a box.
 *
 *     spawn bwrap ─► it tells who waits inside ─► the box stands ─► group, limits ─► released
 *                                                      │                                │
 *                                                 compared with                  the program runs
 *                                                 what was opened
 *
 * 1. Until it is released, nothing of the program has run: a signal that fires before, a limit that
 *    cannot be set, a box that does not stand are failures that changed nothing.
 * 2. The root in the box is the directory that was opened for the call, by device and number. Who
 *    swaps it between the opening and the mount is found out before the release.
 * 3. Limits are set from outside on the one process that waits, so no program has to be trusted to
 *    set them on itself, and no environment of the call is near whoever sets them.
 * 4. Everything in the box ends with the first process in it, and that with bubblewrap, and that
 *    with this thread: also when this process is killed.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync, type Stats, statSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { invariant, parseStrict } from '@ice/primitives'
import { throwIfAborted } from '../bytes.ts'
import { errnoOf } from '../errno.ts'
import { BOX_ID, type BoxPlan, boxOptions } from './box.ts'
import { capOptions } from './caps.ts'
import { inheritedDescriptors, type Slot, slotsWithout } from './descriptors.ts'
import { type Devices, ownDevices } from './devices.ts'
import { PROCESS_CODES, ProcessError } from './errors.ts'
import { type ControlGroup, controlGroup } from './group.ts'
import { ran } from './helper.ts'
import { GONE_MS, LOOK_MS, START_MS } from './limits.ts'
import type { Settings } from './options.ts'
import { type Ending, endOf, type Held, type Running } from './running.ts'
import {
  type Identity,
  identityOf,
  isRunning,
  readProcess,
  signalGroup,
  signalProcess,
} from './status.ts'
import { syscallFilter } from './syscalls.ts'

/** What to start, and for whom. */
export interface BoxedInit {
  readonly settings: Settings
  readonly plan: Omit<BoxPlan, 'devices' | 'scratchBytes'>
  readonly args: readonly string[]
  readonly hasInput: boolean
  /** The root as it was opened; what is mounted has to be that. */
  readonly root: Pick<Stats, 'dev' | 'ino'>
  readonly signal: AbortSignal
}

/** What bubblewrap takes by descriptors, and gives. */
const [INFO, BLOCK, OPTIONS, FILTER] = [3, 4, 5, 6] as const

const INFO_BYTES_MAX = 4_096

/** Whether this process acts as the machine's superuser, against whom some limits do not hold. */
function isSuperuser(): boolean {
  return process.geteuid?.() === 0
}

/** What root's boxes need, and others do not. */
interface Fixtures {
  readonly group: ControlGroup | undefined
  readonly devices: Devices | undefined
}

/**
 * Starts a program in a box, and lets it run.
 *
 * @throws {ProcessError} `ICE_EFFECTS_PROC_START_UNAVAILABLE`, `…_SANDBOX_UNSUPPORTED`
 * @throws {EffectsError} `ICE_EFFECTS_ABORTED` — nothing of the program has run, in any of these
 */
export async function startBoxed(init: BoxedInit): Promise<Running> {
  const fixtures = isSuperuser() ? await superuserFixtures(init.settings) : NONE
  let box: Box | undefined
  try {
    throwIfAborted(init.signal)
    box = new Box(init, fixtures)
    await box.raise()
    throwIfAborted(init.signal)
    box.release()
    return box
  } catch (error) {
    await box?.discard()
    closeFixtures(fixtures)
    throw error
  }
}

const NONE: Fixtures = { group: undefined, devices: undefined }

async function superuserFixtures({ limits }: Settings): Promise<Fixtures> {
  const group = controlGroup(limits)
  if (group === undefined) {
    const reason = 'root is not held to a number of processes, and no control group can be made'
    throw unsupported(reason)
  }
  const devices = await ownDevices()
  if (devices !== undefined) return { group, devices }
  group.close()
  throw unsupported('root owns the devices of this machine, and copies of them cannot be made')
}

function closeFixtures({ group, devices }: Fixtures): void {
  devices?.close()
  group?.close()
}

function unsupported(reason: string): ProcessError {
  const message = `The call needs a box, and this machine has none that works: ${reason}`
  return new ProcessError(PROCESS_CODES.sandbox, message, { reason })
}

/** The box did not stand: nothing of the program ran. */
function failed(what: string, data: { readonly errno?: string } = {}): ProcessError {
  const message = `The program was not started: ${what}`
  return new ProcessError(PROCESS_CODES.start, message, data)
}

class Box implements Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ending>
  readonly held: Held
  readonly #init: BoxedInit
  readonly #fixtures: Fixtures
  #failure: Error | undefined
  #inner: Identity | undefined

  constructor(init: BoxedInit, fixtures: Fixtures) {
    this.#init = init
    this.#fixtures = fixtures
    const filter = syscallFilter(process.arch)
    this.child = this.#spawned(filter)
    this.ended = endOf(this.child)
    this.child.once('error', (error) => {
      this.#failure = error
    })
    const { group } = fixtures
    this.held = {
      kind: 'bubblewrap',
      root: init.plan.write ? 'write' : 'read',
      network: init.plan.network ? 'machine' : 'none',
      processes: group === undefined ? 'rlimit' : 'cgroup',
      memory: group?.holdsMemory === true ? 'all' : 'each',
      syscalls: filter === undefined ? 'open' : 'filtered',
    }
  }

  #spawned(filter: Buffer | undefined): ChildProcess {
    const { settings, plan, args, hasInput } = this.#init
    const { scratchBytes } = settings.limits
    const devices = this.#fixtures.devices?.folder
    const options = [
      ...boxOptions({ ...plan, scratchBytes, devices }),
      ...['--info-fd', `${INFO}`, '--block-fd', `${BLOCK}`],
      ...(filter === undefined ? [] : ['--seccomp', `${FILTER}`]),
    ]
    invariant(!options.some((one) => one.includes('\0')), 'a NUL ends an option')
    const wanted: Slot[] = [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe']
    if (filter !== undefined) wanted.push('pipe')
    const blank = openSync('/dev/null', constants.O_RDWR)
    try {
      const child = spawn(
        settings.bubblewrap,
        ['--args', `${OPTIONS}`, '--', plan.program, ...args],
        {
          stdio: slotsWithout(inheritedDescriptors(), wanted, blank),
          env: {},
          cwd: '/',
          detached: true,
        },
      )
      given(child, OPTIONS, `${options.join('\0')}\0`)
      if (filter !== undefined) given(child, FILTER, filter)
      child.stdio[BLOCK]?.on('error', () => undefined)
      return child
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === undefined) throw error
      throw failed('the system refused', { errno })
    } finally {
      closeSync(blank)
    }
  }

  /** Waits until the box stands, and sets what holds it. */
  async raise(): Promise<void> {
    const { settings } = this.#init
    const until = performance.now() + START_MS
    const pid = await this.#waiting(until)
    this.#inner = identityOf(pid)
    while (!this.#stands(pid)) {
      this.#check(until)
      await sleep(LOOK_MS)
    }
    this.#compareRoot(pid)
    const { group } = this.#fixtures
    try {
      group?.join(pid)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === undefined) throw error
      throw failed('its control group did not take it', { errno })
    }
    const caps = capOptions(settings.limits, { countsProcesses: group === undefined })
    const isHeld = await ran(settings.prlimit, [`--pid=${pid}`, ...caps])
    if (!isHeld) throw failed('its limits could not be set')
    this.#check(until)
  }

  /** The process that waits in the box. */
  async #waiting(until: number): Promise<number> {
    const info = this.child.stdio[INFO] as Readable
    let text = ''
    info.on('error', () => undefined)
    info.on('data', (chunk: Buffer) => {
      text = `${text}${chunk.toString('latin1')}`.slice(0, INFO_BYTES_MAX)
    })
    while (!text.includes('}')) {
      this.#check(until)
      await sleep(LOOK_MS)
    }
    const told = parseStrict(text) as { readonly 'child-pid'?: unknown }
    const pid = told['child-pid']
    if (typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 1) return pid
    throw failed('bubblewrap did not say who waits in the box')
  }

  /** Whether everything is mounted: who is in the box has its identity last. */
  #stands(pid: number): boolean {
    return readProcess(pid, 'uid_map')?.trim().split(/\s+/)[0] === `${BOX_ID}`
  }

  #check(until: number): void {
    throwIfAborted(this.#init.signal)
    const { exitCode, signalCode } = this.child
    if (this.#failure !== undefined) {
      const errno = errnoOf(this.#failure)
      throw failed('bubblewrap could not be started', errno === undefined ? {} : { errno })
    }
    if (exitCode !== null || signalCode !== null) throw failed('the box could not be made')
    if (performance.now() > until) throw failed(`the box did not stand within ${START_MS} ms`)
  }

  #compareRoot(pid: number): void {
    const { root, plan } = this.#init
    try {
      const { dev, ino } = statSync(`/proc/${pid}/root${plan.root}`)
      if (dev === root.dev && ino === root.ino) return
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === undefined) throw error
      throw failed('the box cannot be looked into', { errno })
    }
    throw failed('the root is not what was opened: someone renamed in between')
  }

  /** From here on the program runs. */
  release(): void {
    const block = this.child.stdio[BLOCK] as Writable
    block.end('.')
  }

  terminate(): void {
    if (this.#inner !== undefined) signalGroup(this.#inner, 'SIGTERM')
  }

  kill(): void {
    if (this.#inner !== undefined) signalProcess(this.#inner, 'SIGKILL')
    this.child.kill('SIGKILL')
  }

  async gone(): Promise<boolean> {
    const inner = this.#inner
    if (inner === undefined) return true
    const until = performance.now() + GONE_MS
    // The first process of a box is not taken note of before all others in it are gone.
    while (isRunning(inner)) {
      if (performance.now() > until) return false
      await sleep(LOOK_MS)
    }
    return true
  }

  /** Takes down what was not released. */
  async discard(): Promise<void> {
    this.kill()
    if (this.#failure === undefined && this.child.pid !== undefined) await this.ended
    await this.gone()
    for (const stream of this.child.stdio) stream?.destroy()
  }

  close(): void {
    closeFixtures(this.#fixtures)
  }
}

/** Hands a program bytes by a descriptor, to their end. It may not live to read them. */
function given(child: ChildProcess, fd: number, bytes: string | Buffer): void {
  const stream = child.stdio[fd] as Writable
  stream.on('error', () => undefined)
  stream.end(bytes)
}
