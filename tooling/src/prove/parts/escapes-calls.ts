/** Escapes by the call itself: what a caller slips into arguments, variables and paths. */

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Attempt, Call, Escape } from './escape-kit.ts'
import { plantLink } from './escapes-files.ts'

const PERL = '/usr/bin/perl'

const sign = ({ world, mark }: Attempt): string => join(world.out, `ran-${mark}`)

/** A call after which there is a sign outside, where it came through. */
const calls = (
  name: string,
  call: (attempt: Attempt, sign: string) => Partial<Call>,
  before?: (attempt: Attempt, sign: string) => void,
): Escape => ({
  name: `slips in ${name}`,
  ...(before === undefined ? {} : { before: (attempt: Attempt) => before(attempt, sign(attempt)) }),
  call: (attempt) => call(attempt, sign(attempt)),
  escaped: (attempt) => isSigned(attempt),
  restore: (attempt) => rmSync(sign(attempt), { force: true }),
})

/** The sign itself, or what a loader wrote under its name and a number. */
const isSigned = (attempt: Attempt): boolean =>
  readdirSync(attempt.world.out).some((name) => name.startsWith(`ran-${attempt.mark}`)) ||
  existsSync(join(attempt.root, 'ran'))

const touch = (path: string): string => `open(my $f, ">", "${path}")`

const SCRIPTS = { programs: [{ path: PERL, args: { words: [{ path: 64 }] } }] }

const planted = (attempt: Attempt, name: string, text: string): string => {
  const path = join(attempt.root, name)
  writeFileSync(path, text, { mode: 0o755 })
  return path
}

export const callEscapes: readonly Escape[] = [
  calls('an option in the place of a file', (_, ran) => ({
    args: [`-e${touch(ran)}`],
    members: { ...SCRIPTS, sandbox: 'unsandboxed' },
  })),
  calls('a further argument', (_, ran) => ({
    args: ['-e', touch(ran)],
    members: { ...SCRIPTS, sandbox: 'unsandboxed' },
  })),
  calls('a command in the words of another', (_, ran) => ({
    program: '/usr/bin/echo',
    args: [`x; echo > ${ran}`, `$(echo > ${ran})`],
    members: {
      programs: [{ path: '/usr/bin/echo', args: { rest: { of: { text: 256 }, max: 4 } } }],
    },
    shell: true,
  })),
  calls(
    'a program by its bare name and a path to search',
    (attempt) => ({
      program: 'tool',
      args: [],
      env: { PATH: attempt.root },
      members: { env: ['PATH'], programs: [{ path: join(attempt.root, 'other') }] },
    }),
    (attempt, ran) => planted(attempt, 'tool', `#!/bin/sh\necho > ${ran}\n`),
  ),
  calls(
    'a program by a path that climbs to another',
    (attempt) => ({
      program: `/usr/bin/../..${attempt.root}/tool`,
      args: [],
      members: { programs: [{ path: '/usr/bin' }] },
    }),
    (attempt, ran) => planted(attempt, 'tool', `#!/bin/sh\necho > ${ran}\n`),
  ),
  calls(
    'a text that a shell would take for a program',
    (attempt) => ({
      program: join(attempt.root, 'text'),
      args: [],
      members: { programs: [{ path: join(attempt.root, 'text') }] },
    }),
    (attempt) => planted(attempt, 'text', `echo > ${attempt.root}/ran\n`),
  ),
  calls(
    'a variable that makes another program of it',
    (attempt) => ({
      args: ['-e', '1'],
      env: { PERL5OPT: '-Mevil', PERL5LIB: attempt.root },
      members: { programs: [{ path: PERL, args: { words: ['-e', '1'] } }] },
    }),
    (attempt) => planted(attempt, 'evil.pm', `${touch(`${attempt.root}/ran`)}; 1`),
  ),
  calls('a variable that the loader of whoever makes the box would obey', (_, ran) => ({
    args: ['-e', '1'],
    env: { LD_DEBUG: 'libs', LD_DEBUG_OUTPUT: ran },
    members: {
      env: ['LD_DEBUG', 'LD_DEBUG_OUTPUT'],
      programs: [{ path: PERL, args: { words: ['-e', '1'] } }],
    },
  })),
  calls('a directory that climbs', ({ mark }) => ({
    cwd: '../out',
    args: ['-e', touch(`ran-${mark}`)],
    members: { programs: [{ path: PERL, args: { words: ['-e', { text: 256 }] } }] },
  })),
  calls(
    'a directory that is a link',
    ({ mark }) => ({
      cwd: 'planted',
      args: ['-e', touch(`ran-${mark}`)],
      members: { programs: [{ path: PERL, args: { words: ['-e', { text: 256 }] } }] },
    }),
    (attempt) => plantLink(attempt, 'planted'),
  ),
  calls(
    'a directory behind a link',
    ({ mark }) => ({
      cwd: 'planted/below',
      args: ['-e', touch(`../ran-${mark}`)],
      members: { programs: [{ path: PERL, args: { words: ['-e', { text: 256 }] } }] },
    }),
    (attempt) => {
      plantLink(attempt, 'planted')
      mkdirSync(join(attempt.world.out, 'below'), { recursive: true })
    },
  ),
]
