/**
 * A4: no program gets out of its box, whatever it tries, and whatever is slipped into its call.
 *
 * Each attempt is made twice in the same world: without the box, where a canary has to see it, and
 * under its grant, where none may. It is made as root and as somebody without rights, because a
 * box keeps the two in by different means.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeProcesses } from '@ice/effects'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { type Attempt, type Call, type Escape, type Mode, PRELUDE, type Who } from './escape-kit.ts'
import { marked, watch } from './escape-watch.ts'
import { type OpenWorld, openWorld } from './escape-world.ts'
import { callEscapes } from './escapes-calls.ts'
import { fileEscapes } from './escapes-files.ts'
import { networkEscapes, processEscapes } from './escapes-others.ts'
import { lifeEscapes, resourceEscapes } from './escapes-resources.ts'
import { rightsEscapes } from './escapes-rights.ts'

type Context = TopicContext & CheckRecorder

const PERL = '/usr/bin/perl'

/** @units milliseconds that an attempt has, when it does not say how many */
const ATTEMPT_MS = 30_000

const GROUPS: readonly (readonly [name: string, escapes: readonly Escape[]])[] = [
  ['files outside', fileEscapes],
  ['processes outside', processEscapes],
  ['the network', networkEscapes],
  ['rights', rightsEscapes],
  ['a life beyond its call', lifeEscapes],
  ['more than it was given', resourceEscapes],
  ['what is slipped into its call', callEscapes],
]

/** How an attempt went. */
interface Outcome {
  readonly escaped: boolean
  readonly told: string
}

let made = 0

/** Makes an attempt once. */
const attempted = async (world: OpenWorld, tried: Escape, mode: Mode): Promise<Outcome> => {
  made += 1
  const mark = `ice-mark-${process.pid}-${made}`
  const root = world.makeRoot(`root-${made}`)
  const watching = watch(mark, world.bystander())
  const words = [`mark=${mark}`, `root=${root}`, ...world.words]
  const usual: Call = {
    program: PERL,
    args: ['attempt.pl', ...words],
    env: {},
    cwd: '.',
    root,
    members: {
      programs: [
        { path: PERL, args: { words: [{ path: 64 }], rest: { of: { text: 256 }, max: 32 } } },
      ],
    },
    timeoutMs: ATTEMPT_MS,
  }
  const again = (call: Partial<Call>) => world.start({ ...usual, ...call }, mode)
  const answer = { told: '', bytes: 0, stderr: '' }
  const attempt: Attempt = { world, mode, root, mark, seen: watching.seen, again, answer }
  try {
    tried.before?.(attempt)
    if (tried.perl !== undefined) {
      writeFileSync(join(root, 'attempt.pl'), `${PRELUDE}${tried.perl};\n`)
    }
    const call = tried.call?.(attempt) ?? {}
    const members = { ...usual.members, ...call.members }
    attempt.answer = await world.start({ ...usual, ...call, members }, mode)
    await tried.afterwards?.(attempt)
    const escaped = await tried.escaped(attempt)
    if (escaped) tried.restore?.(attempt)
    const { told, stderr } = attempt.answer
    return { escaped, told: stderr === '' ? told : `${told}: ${stderr.trim()}` }
  } finally {
    watching.end()
    for (const pid of marked(mark)) end(pid)
    rmSync(root, { recursive: true, force: true })
  }
}

/** Ends a process of ours that an attempt without a box left behind. */
const end = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether a program came to its own end, or a call was refused: nothing else was an attempt. */
const wasMade = ({ perl, call }: Escape, { told }: Outcome): boolean => {
  if (call !== undefined && told.startsWith('timeout')) return true
  if (/^(?:exit|output) /.test(told)) return true
  return perl === undefined && /_(?:DENIED|UNSUPPORTED|NOT_FOUND)$/.test(told)
}

/** Why an attempt is not made in this world, or `undefined`. */
const leftOut = (world: OpenWorld, { who, needs }: Escape): string | undefined => {
  if (who !== undefined && who !== world.who) return `it is made as ${who}`
  return needs?.(world)
}

const proveGroup = async (
  context: Context,
  world: OpenWorld,
  [name, escapes]: (typeof GROUPS)[number],
): Promise<void> => {
  const user = world.who === 'root' ? 'root' : 'somebody without rights'
  await context.check(`no program of ${user} reaches ${name}`, async () => {
    const counts = { made: 0, unsafe: 0 }
    const out: string[] = []
    for (const each of escapes) {
      const why = leftOut(world, each)
      if (why !== undefined) {
        if (each.who === undefined || each.who === world.who) {
          context.say(`  left out: ${each.name}: needs ${why}`)
        }
        continue
      }
      context.progress(each.name)
      counts.made += 1
      if (each.unsafe === undefined) {
        const seen = await attempted(world, each, 'bare')
        if (!seen.escaped) out.push(`nobody saw it without a box: ${each.name} (${seen.told})`)
      } else counts.unsafe += 1
      const boxed = await attempted(world, each, 'boxed')
      if (boxed.escaped) out.push(`it got out: ${each.name} (${boxed.told})`)
      else if (!wasMade(each, boxed)) out.push(`it was not made: ${each.name} (${boxed.told})`)
    }
    if (out.length > 0) throw new Error(out.join('\n'))
    const unsafe = counts.unsafe === 0 ? '' : `, ${counts.unsafe} of them only in the box`
    context.say(`  ${counts.made} attempts, 0 out${unsafe}`)
    return counts.made
  })
}

const proveFor = async (context: Context, who: Who): Promise<void> => {
  const world = await openWorld(who)
  try {
    for (const group of GROUPS) await proveGroup(context, world, group)
  } finally {
    await world.close()
  }
}

/** The part of the proof of authority that is about programs. */
export const authorityProc = async (context: Context): Promise<void> => {
  const name = 'no program gets out of its box'
  const { sandbox, note } = await describeProcesses()
  if (!sandbox) return context.skip(name, note)
  if (!existsSync(PERL)) return context.skip(name, `needs ${PERL}`)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) await proveFor(context, 'root')
  else context.skip(`${name}, as root`, 'needs to be root')
  await proveFor(context, 'user')
}
