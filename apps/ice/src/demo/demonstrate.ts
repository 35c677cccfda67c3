/**
 * The demonstration: `npm start [folder]`.
 *
 * It surveys a real folder and, on the way, lets happen what must not do harm: an agent that
 * reaches too far, a process that dies, a report that would be overwritten, a grant that is taken
 * back, a log that is changed. stdout has the answer, stderr the talk.
 */

import { resolve } from 'node:path'
import { EXIT, exitOf, exitOfSignal } from '../exit.ts'
import { complaintLines, complaintRecord } from '../terminal/complain.ts'
import { createPaint, type Paint, wantsColour } from '../terminal/paint.ts'
import { createTalk, type Talk } from '../terminal/talk.ts'
import { jsonText } from '../terminal/text.ts'
import { openFolders } from './folders.ts'
import { type DemoOptions, parseDemo } from './options.ts'
import type { DemoOutcome } from './outcome.ts'
import { type Audience, play } from './play.ts'
import { askPerson } from './question.ts'
import {
  approvalLines,
  conclusionLines,
  deniedLines,
  killedLines,
  type Lines,
  type Look,
  openingLines,
  placeholderLine,
  progressLine,
  resultLine,
  revokedLines,
} from './show.ts'

/** Gives the demonstration. @returns the exit code, as the usage lists them */
export async function demonstrate(
  args: readonly string[],
  { cwd = process.cwd() }: { readonly cwd?: string } = {},
): Promise<number> {
  const options = parseDemo(args)
  if ('usage' in options) {
    const { fault, usage } = options
    if (fault === undefined) process.stdout.write(usage)
    else process.stderr.write(`${fault}\n\n${usage}`)
    return fault === undefined ? EXIT.ok : EXIT.usage
  }
  const paint = createPaint(wantsColour(process.env, process.stderr.isTTY === true))
  process.once('SIGINT', () => process.exit(exitOfSignal('SIGINT')))
  process.once('SIGTERM', () => process.exit(exitOfSignal('SIGTERM')))
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has gone has what it wanted; the demonstration is still to be ended properly.
    if (error.code !== 'EPIPE') throw error
  })
  try {
    return await give(options, resolve(cwd), paint)
  } catch (error) {
    if (options.json) process.stdout.write(`${complaintRecord(error)}\n`)
    else process.stderr.write(`${complaintLines(error, paint, false).join('\n')}\n`)
    return exitOf(error)
  }
}

async function give(options: DemoOptions, cwd: string, paint: Paint): Promise<number> {
  const { folder, out, quiet, json } = options
  const folders = openFolders(cwd, {
    ...(folder === undefined ? {} : { folder }),
    ...(out === undefined ? {} : { out }),
  })
  const columns = Math.max(40, Math.min(process.stdout.columns ?? 100, 120))
  const isColoured = wantsColour(process.env, process.stdout.isTTY === true)
  const look: Look = { paint: createPaint(isColoured), columns, cwd }
  const format = json ? 'json' : 'human'
  const talk = createTalk({ stream: process.stderr, paint, format, quiet })
  const show = (lines: Lines): void => {
    talk.settle()
    if (!quiet && !json) process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  }
  show(openingLines(look, folders))
  const outcome = await play(folders, audience(options, look, talk, show))
  talk.settle()
  if (json) process.stdout.write(`${jsonText(outcome)}\n`)
  else if (quiet) process.stdout.write(`${resultLine(look, outcome)}\n`)
  else show(conclusionLines(look, outcome))
  return exitCode(outcome)
}

function audience(
  options: DemoOptions,
  look: Look,
  talk: Talk,
  show: (lines: Lines) => void,
): Audience {
  return {
    begins: (stage) => show(placeholderLine(look, stage)),
    progress: (files, of) => talk.progress(progressLine(files, of)),
    works: (at) => talk.progress(`${at} …`),
    denied: (record) => show(deniedLines(look, record)),
    killed: (killed) => show(killedLines(look, killed)),
    ask: async (steps) => {
      talk.settle()
      return askPerson(options, steps)
    },
    approved: (approval) => show(approvalLines(look, approval)),
    revoked: (revoked) => show(revokedLines(look, revoked)),
  }
}

function exitCode({ held, verification, tampered }: DemoOutcome): number {
  if (held) return EXIT.ok
  const isVerified = verification.findings === 0 && tampered.found !== null
  return isVerified ? EXIT.unexpected : EXIT.unverified
}
