/// <reference lib="es2024.string" />
/**
 * A notifier that writes lines to a terminal, or to whatever stands behind a stream.
 *
 *     line = "[" level "] " title ": " text NL          ; at most 1,000 characters, then "…"
 *
 * 1. What is shown cannot steer a terminal: control characters, and marks that turn the direction
 *    of a line, are written out (`\u001b`). So a notice is one line, and cannot look like another.
 * 2. A key that was shown is not shown again by this process; after a crash it may be, because a
 *    terminal does not tell what stands on it.
 */

import { errnoOf } from '../errno.ts'
import { NOTIFY_CODES, NotifyError } from './errors.ts'
import { NOTICE_KEYS_MAX, NOTICE_SHOWN_CHARS_MAX } from './limits.ts'
import type { Notice, Notified, Notifier } from './notifier.ts'

/** Where lines go: `process.stderr`, or anything with its `write`. */
export interface NoticeStream {
  write(text: string, done: (error?: Error | null) => void): unknown
}

/** All that a terminal obeys, or that an eye does not see. */
const STEERING = /\p{Cc}|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu

/** A notifier that writes to a stream. */
export function terminalNotifier(stream: NoticeStream): Notifier {
  const shown = new Set<string>()
  return {
    supports: { once: false },
    async notify(notice: Notice): Promise<Notified> {
      if (shown.has(notice.key)) return { by: 'terminal', repeated: true }
      remember(shown, notice.key)
      try {
        await written(stream, lineOf(notice))
      } catch (error) {
        shown.delete(notice.key)
        throw error
      }
      return { by: 'terminal', repeated: false }
    },
  }
}

/** The line of a notice. Pure. */
export function lineOf({ level, title, text }: Pick<Notice, 'level' | 'title' | 'text'>): string {
  const line = harmless(`[${level}] ${title}: ${text}`)
  const isLong = line.length > NOTICE_SHOWN_CHARS_MAX
  return `${isLong ? `${line.slice(0, NOTICE_SHOWN_CHARS_MAX - 1).toWellFormed()}…` : line}\n`
}

function harmless(text: string): string {
  return text
    .toWellFormed()
    .replace(STEERING, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The oldest is forgotten first. */
function remember(shown: Set<string>, key: string): void {
  const [oldest] = shown
  if (shown.size >= NOTICE_KEYS_MAX && oldest !== undefined) shown.delete(oldest)
  shown.add(key)
}

function written(stream: NoticeStream, line: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  stream.write(line, (error) => {
    if (error === undefined || error === null) return resolve()
    const errno = errnoOf(error)
    const data = errno === undefined ? {} : { errno }
    reject(new NotifyError(NOTIFY_CODES.unavailable, 'The terminal did not take it', data))
  })
  return promise
}
