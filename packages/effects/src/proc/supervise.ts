/**
 * A program from its start to the end of everything it started.
 *
 *     running ──┬─ exits ──────────────────────────────────────────┬─► all gone ─► streams closed
 *               └─ timeout, flood, abort ─► SIGTERM ─ grace ─► SIGKILL ┘
 *
 * 1. Whichever came first is why it ended, and is told; how it ended is told beside it.
 * 2. After its end nothing of it is left: what it left behind is killed, and waited for. In a box
 *    that is everything; without one it is the process group, and what left it lives on.
 * 3. The streams are read until nobody can write to them, so that nothing written is lost.
 */

import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EffectCall } from '@ice/runs/ports'
import type { ScrubStream } from '../secrets/stream.ts'
import { Capture } from './capture.ts'
import { DRAIN_MS } from './limits.ts'
import type { Ending, Running } from './running.ts'

/** Why a program ended: by itself, or by us. */
export type Reason = 'exit' | 'timeout' | 'output' | 'aborted'

/** What came of a program. */
export interface Supervised {
  readonly reason: Reason
  readonly ending: Ending
  /** Whether it was killed, and not only asked to end. */
  readonly killed: boolean
  /** Whether nothing of it is left. */
  readonly gone: boolean
  readonly durationMs: number
  readonly stdout: Capture
  readonly stderr: Capture
}

/** How to supervise. */
export interface SuperviseInit {
  readonly call: Pick<EffectCall, 'signal' | 'fold'>
  readonly input: Buffer | undefined
  /** Makes what takes secrets out of a stream, where there are any to take out. */
  readonly scrubbing?: (() => ScrubStream) | undefined
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly graceMs: number
}

/** Supervises a program that was started. Always comes to an end. */
export async function supervised(running: Running, init: SuperviseInit): Promise<Supervised> {
  const began = performance.now()
  const { call, maxBytes, timeoutMs, graceMs, scrubbing } = init
  const { child } = running
  const { promise: stopped, resolve: stop } = Promise.withResolvers<Reason>()
  const enough = (): void => stop('output')
  const captured = { limit: maxBytes, onEnough: enough }
  const [out, error] = [child.stdout, child.stderr]
  if (out === null || error === null) throw new TypeError('a program has two streams')
  const stdout = new Capture(out, { ...captured, scrub: scrubbing?.(), fold: call.fold })
  const stderr = new Capture(error, { ...captured, scrub: scrubbing?.(), fold: undefined })
  feed(child.stdin, init.input)
  const timer = setTimeout(() => stop('timeout'), timeoutMs)
  const abort = (): void => stop('aborted')
  call.signal.addEventListener('abort', abort)
  if (call.signal.aborted) abort()
  try {
    const exited = running.ended.then(() => 'exit' as const)
    const reason = await Promise.race([exited, stopped])
    const killed = reason === 'exit' ? false : await ended(running, graceMs)
    const ending = await running.ended
    running.kill()
    const gone = await running.gone()
    await drained([stdout, stderr])
    const durationMs = Math.round(performance.now() - began)
    return { reason, ending, killed, gone, durationMs, stdout, stderr }
  } finally {
    clearTimeout(timer)
    call.signal.removeEventListener('abort', abort)
  }
}

/** Ends a program. @returns whether it had to be killed */
async function ended(running: Running, graceMs: number): Promise<boolean> {
  const patience = new AbortController()
  running.terminate()
  const late = sleep(graceMs, true, { signal: patience.signal }).catch(() => false)
  const isLate = await Promise.race([running.ended.then(() => false), late])
  patience.abort()
  if (isLate) running.kill()
  return isLate
}

/** Hands a program what it reads. It may not want it. */
function feed(stdin: Writable | null, input: Buffer | undefined): void {
  stdin?.on('error', () => undefined)
  stdin?.end(input)
}

/** Waits for the ends of streams; those that somebody holds open are let go of. */
async function drained(captures: readonly Capture[]): Promise<void> {
  const patience = new AbortController()
  const late = sleep(DRAIN_MS, undefined, { signal: patience.signal }).catch(() => undefined)
  await Promise.race([Promise.all(captures.map(({ closed }) => closed)), late])
  patience.abort()
  for (const capture of captures) capture.end()
}
