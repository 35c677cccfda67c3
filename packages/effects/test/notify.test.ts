import type { EventId, GrantId, JsonObject, RunId } from '@ice/primitives'
import type { EffectHandler, EffectReport } from '@ice/runs/ports'
import { describe, expect, it } from 'vitest'
import {
  clock,
  clockEffects,
  type Notice,
  type Notifier,
  notify,
  notifyEffects,
  terminalNotifier,
} from '../src/index.ts'

function perform(
  [handler]: readonly EffectHandler[],
  args: JsonObject,
  { key = 'run/step', signal = new AbortController().signal } = {},
): Promise<EffectReport> {
  if (handler === undefined) throw new TypeError('no handler')
  const id = '0190a1b2-0000-7000-8000-000000000002' as GrantId
  return Promise.resolve().then(() => {
    const parsed = handler.arguments.parse(args)
    return handler.perform({
      run: '0190a1b2-0000-7000-8000-000000000001' as RunId,
      effect: 'step',
      attempt: 1,
      idempotencyKey: key,
      intent: 'run/0190a1b2-0000-7000-8000-000000000001@7' as EventId,
      action: handler.action,
      arguments: parsed,
      resource: handler.resource(parsed),
      grant: { id, resources: [] },
      signal,
    })
  })
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { readonly code: string }).code,
  )

/** A terminal that keeps what was written to it, or fails. */
function terminal(failure?: Error) {
  const written: string[] = []
  const write = (text: string, done: (error?: Error | null) => void): void => {
    if (failure === undefined) written.push(text)
    queueMicrotask(() => done(failure))
  }
  return { written, notifier: terminalNotifier({ write }) }
}

/** Verifies: EFF-R45 */
describe('clock.now', () => {
  it('gives the time of the clock it was made with, and records the same', async () => {
    const fixed = { now: () => 1_700_000_000_000 } as never
    const report = await perform(clockEffects({ clock: fixed }), {})
    expect(report).toEqual({
      value: { now: 1_700_000_000_000 },
      observed: { now: 1_700_000_000_000 },
    })
    expect(clock.now('g')).toEqual({ action: 'clock.now', grant: 'g', arguments: {} })
  })

  it('takes no arguments, is trusted, and ends with its signal', async () => {
    const [handler] = clockEffects()
    expect(handler).toMatchObject({ action: 'clock.now', fate: 'observe' })
    expect(handler?.resource({})).toEqual({ name: 'clock.now' })
    expect(handler?.source?.({})).toBeNull()
    expect(await codeOf(perform(clockEffects(), { zone: 'UTC' }))).toBe(
      'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED',
    )
    const signal = AbortSignal.abort()
    expect(await codeOf(perform(clockEffects(), {}, { signal }))).toBe('ICE_EFFECTS_ABORTED')
  })
})

const notice = { title: 'Build', text: 'It is done.' }

/** Verifies: EFF-R46 */
describe('notify.send', () => {
  it('shows a line, and tells by what', async () => {
    const { written, notifier } = terminal()
    const { arguments: args } = notify.send('g', { ...notice, level: 'warning' })
    const report = await perform(notifyEffects(notifier), args)
    expect(written).toEqual(['[warning] Build: It is done.\n'])
    expect(report).toEqual({
      value: { by: 'terminal', repeated: false },
      observed: { by: 'terminal', repeated: false, level: 'warning' },
    })
    expect(notifyEffects(notifier)[0]).toMatchObject({
      fate: 'idempotent',
      outcome: 'UserNotificationSent',
    })
  })

  it('does not show again what it has shown, and shows what it could not', async () => {
    const { written, notifier } = terminal()
    const effects = notifyEffects(notifier)
    await perform(effects, notice)
    expect((await perform(effects, notice)).value).toEqual({ by: 'terminal', repeated: true })
    await perform(effects, notice, { key: 'run/other' })
    expect(written).toHaveLength(2)
    const errno = Object.assign(new Error('/dev/tty secret place'), {
      code: 'EIO',
      syscall: 'write',
    })
    const broken = terminal(errno)
    for (let tries = 0; tries < 2; tries += 1) {
      const failed = await perform(notifyEffects(broken.notifier), notice).catch((error) => error)
      expect(failed).toMatchObject({
        code: 'ICE_EFFECTS_NOTICE_UNAVAILABLE',
        data: { errno: 'EIO' },
      })
      expect(failed.message).not.toContain('secret place')
    }
  })

  it('writes out what would steer a terminal, and is one line of bounded length', async () => {
    const { written, notifier } = terminal()
    const text = `\u001b[2J\r\n[urgent] Bank: pay\u202e\u0007${'x'.repeat(1_900)}`
    await perform(notifyEffects(notifier), { title: 'a', text })
    const [line = ''] = written
    expect(
      line.startsWith('[info] a: \\u001b[2J\\u000d\\u000a[urgent] Bank: pay\\u202e\\u0007xx'),
    ).toBe(true)
    expect(line.length).toBe(1_001)
    expect(line.slice(0, -1)).not.toMatch(/\p{Cc}/u)
  })

  it.each<JsonObject>([
    {},
    { title: '', text: 'x' },
    { title: 'x', text: '' },
    { title: 'x'.repeat(121), text: 'x' },
    { title: 'x', text: 'x'.repeat(2_001) },
    { title: 'x', text: '\ud800' },
    { title: 'x', text: 'x', level: 'critical' },
    { title: 'x', text: 'x', to: 'alice' },
  ])('does not take %j', async (args) => {
    const { notifier } = terminal()
    expect(await codeOf(perform(notifyEffects(notifier), args))).toBe(
      'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED',
    )
  })

  it('fails where there is nobody to tell, or its signal has fired', async () => {
    expect(await codeOf(perform(notifyEffects(), notice))).toBe('ICE_EFFECTS_NOTIFIER_UNAVAILABLE')
    const { notifier, written } = terminal()
    const signal = AbortSignal.abort()
    expect(await codeOf(perform(notifyEffects(notifier), notice, { signal }))).toBe(
      'ICE_EFFECTS_ABORTED',
    )
    expect(written).toEqual([])
  })

  it('gives a key that is the same for every attempt, and tells nothing of the run', async () => {
    const notices: Notice[] = []
    const notifier: Notifier = {
      supports: { once: true },
      notify: async (one) => {
        notices.push(one)
        return { by: 'pager', repeated: false }
      },
    }
    await perform(notifyEffects(notifier), notice)
    await perform(notifyEffects(notifier), notice)
    expect(notices[0]).toEqual({
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      ...notice,
      level: 'info',
    })
    expect(notices[1]?.key).toBe(notices[0]?.key)
  })
})
