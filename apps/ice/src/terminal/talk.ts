/**
 * What the command says to whoever watches: on stderr, apart from the data.
 *
 * With `--json` every line of it is a JSON object; with `--quiet` only errors are left.
 */
import type { WriteStream } from 'node:tty'
import type { Paint } from './paint.ts'
import { clip, jsonText } from './text.ts'

/** How the answer of a command is written. */
export type Format = 'human' | 'json' | 'jsonl'

/** The voice of the command. Texts must be plain; see `plain`. */
export interface Talk {
  readonly paint: Paint
  /** Whether a person watches who can be shown progress. */
  readonly live: boolean
  /** Says a line to people; with `--json`, nothing. */
  say(line: string): void
  /** Says something that programs want to know too. */
  note(line: string, record: Readonly<Record<string, unknown>>): void
  /** Says something whatever the options are. */
  alarm(line: string): void
  /** Says something to people, with `--quiet` too; with `--json` the data says it. */
  alarmHuman(line: string): void
  /** Replaces the progress line; on anything but a terminal, nothing. */
  progress(line: string): void
  /** Takes the progress line away. */
  settle(): void
}

/** What a voice is made of. */
export interface TalkInit {
  readonly stream: Pick<WriteStream, 'write' | 'isTTY'> & { readonly columns?: number }
  readonly paint: Paint
  readonly format: Format
  readonly quiet: boolean
}

/** Columns of a terminal; some do not know theirs, and say 0. */
function columnsOf({ columns = 0 }: TalkInit['stream']): number {
  return columns > 10 ? columns : 80
}

/** Creates the voice. */
export function createTalk({ stream, paint, format, quiet }: TalkInit): Talk {
  const human = format === 'human'
  const live = human && !quiet && stream.isTTY === true
  let drawn = false
  const settle = (): void => {
    if (drawn) stream.write('\r\u001b[K')
    drawn = false
  }
  const line = (text: string): void => {
    settle()
    stream.write(`${text}\n`)
  }
  return {
    paint,
    live,
    say: (text) => {
      if (human && !quiet) line(text)
    },
    note: (text, record) => {
      if (quiet) return
      line(human ? text : jsonText(record))
    },
    alarm: line,
    alarmHuman: (text) => {
      if (human) line(text)
    },
    progress: (text) => {
      if (!live) return
      stream.write(`\r\u001b[K${clip(text, columnsOf(stream) - 1)}`)
      drawn = true
    },
    settle,
  }
}
