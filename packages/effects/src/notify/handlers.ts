/** The handler of `notify.send`: a person is told something, once as far as that can be known. */

import { createHash } from 'node:crypto'
import type { EffectCall, EffectHandler, EffectReport, EffectRequest } from '@ice/runs/ports'
import { z } from 'zod'
import { checked, recordable } from '../arguments.ts'
import { throwIfAborted } from '../bytes.ts'
import { NOTIFY_CODES, NotifyError } from './errors.ts'
import { NOTICE_TEXT_CHARS_MAX, NOTICE_TITLE_CHARS_MAX } from './limits.ts'
import type { Notifier } from './notifier.ts'

/** What to tell. */
export type NoticeRequest = {
  readonly title: string
  readonly text: string
  /** @defaultValue 'info' */
  readonly level?: 'info' | 'warning' | 'urgent'
}

/** What came of it. */
export type NoticeResult = {
  readonly by: string
  /** It had been shown before, by an earlier attempt, and was not shown again. */
  readonly repeated: boolean
}

const wellFormed = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed(), 'is not well-formed Unicode')

const noticeArguments = z.strictObject({
  title: wellFormed(NOTICE_TITLE_CHARS_MAX),
  text: wellFormed(NOTICE_TEXT_CHARS_MAX),
  level: z.enum(['info', 'warning', 'urgent']).default('info'),
})

/**
 * The handler of `notify.send`; its grant is one on the tool of that name. After a crash it is
 * tried again under the same key; whether that shows it twice depends on the notifier.
 */
export function notifyEffects(notifier?: Notifier): readonly EffectHandler[] {
  return [
    Object.freeze({
      action: 'notify.send',
      fate: 'idempotent',
      outcome: 'UserNotificationSent',
      arguments: { parse: (value: unknown) => recordable(checked(noticeArguments, value)) },
      resource: () => ({ name: 'notify.send' }),
      bounds: () => ({}),
      source: () => null,
      async perform(call: EffectCall): Promise<EffectReport> {
        const { signal, idempotencyKey } = call
        const notice = checked(noticeArguments, call.arguments)
        throwIfAborted(signal)
        if (notifier === undefined) {
          const message = 'This runtime has nobody to tell: it was given no notifier'
          throw new NotifyError(NOTIFY_CODES.noNotifier, message)
        }
        // Of the effect's own key, so that a service outside learns nothing of the run.
        const key = createHash('sha256').update(idempotencyKey).digest('hex')
        const { by, repeated } = await notifier.notify({ key, ...notice }, { signal })
        const value: NoticeResult = { by, repeated }
        return { value, observed: { ...value, level: notice.level } }
      },
    } satisfies EffectHandler),
  ]
}

/** Makes requests for notifications; `grant` is the name a grant has in the run. */
export const notify: {
  readonly send: (grant: string, notice: NoticeRequest) => EffectRequest<NoticeResult>
} = {
  send: (grant, notice) => ({ action: 'notify.send', grant, arguments: notice }),
}
