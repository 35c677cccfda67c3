/** Escapes from caps: more of the machine than was given, and living on after the end. */

import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Attempt, Escape } from './escape-kit.ts'

/** The caps of every boxed attempt. */
export const CAPS = {
  cpuSeconds: 5,
  memoryBytes: 160 * 1_048_576,
  fileBytes: 4 * 1_048_576,
  openFiles: 64,
  processes: 48,
  scratchBytes: 16 * 1_048_576,
  graceMs: 200,
} as const

const beat = ({ root }: Attempt): number =>
  statSync(join(root, 'beat'), { throwIfNoEntry: false })?.size ?? 0

const grew = new WeakMap<Attempt, boolean>()

/** Something that is still at work after the call has returned. */
const lives = (name: string, perl: string): Escape => ({
  name: `lives on after its call ${name}`,
  perl,
  afterwards: async (attempt) => {
    const before = beat(attempt)
    await new Promise((resolve) => setTimeout(resolve, 800))
    grew.set(attempt, beat(attempt) > before)
  },
  escaped: (attempt) => grew.get(attempt) === true,
})

/** Leaves a trace every few milliseconds, for three seconds. */
const BEAT =
  'for (1..150) { open(my $f, ">>", "$w{root}/beat"); print $f "x"; close $f; nap(0.02) }'
const QUIET = 'close STDIN; close STDOUT; close STDERR;'

export const lifeEscapes: readonly Escape[] = [
  lives('in the background', `if (!fork) { ${QUIET} ${BEAT} exit } nap(0.1)`),
  lives(
    'as a daemon, forked twice in a session of its own',
    `if (!fork) { require POSIX; POSIX::setsid(); exit if fork; ${QUIET} ${BEAT} exit } nap(0.2)`,
  ),
  lives(
    'as a daemon that hears no signal',
    `$SIG{$_} = 'IGNORE' for qw(TERM HUP INT QUIT PIPE USR1 USR2);
if (!fork) { require POSIX; POSIX::setsid(); ${QUIET} ${BEAT} exit } nap(0.2)`,
  ),
  lives(
    'as many that watch each other',
    `for (1..4) { next if fork; require POSIX; POSIX::setsid();
${QUIET} for (1..4) { exit if fork } ${BEAT} exit } nap(0.2)`,
  ),
  {
    name: 'takes more time than it has, and hears no signal',
    perl: `$SIG{TERM} = 'IGNORE'; for (1..60) { put("late", $_); nap(0.05) } put("end", 1)`,
    call: () => ({ timeoutMs: 800 }),
    escaped: ({ root }) => existsSync(join(root, 'end')),
  },
]

const PROCESSES = 160

export const resourceEscapes: readonly Escape[] = [
  {
    name: 'has more processes than it was given',
    perl: `for (1..${PROCESSES}) { my $p = fork; last if !defined $p; if (!$p) { nap(2.5);
exit } } nap(2)`,
    escaped: ({ seen }) => seen.processes > CAPS.processes,
  },
  {
    name: 'has more processes than it was given, each forked by the last',
    perl: `for (1..${PROCESSES}) { my $p = fork; last if !defined $p; if ($p) { nap(2.5);
exit } } nap(1)`,
    escaped: ({ seen }) => seen.processes > CAPS.processes,
  },
  {
    name: 'has more memory than it was given',
    perl: 'my $n = 420000000; my $x = "x" x $n; nap(1)',
    escaped: ({ seen }) => seen.residentBytes > CAPS.memoryBytes * 1.1,
  },
  {
    name: 'has more memory than it was given, in many processes',
    who: 'root',
    perl: `my $n = 60000000; for (1..8) { if (!fork) { my $x = "x" x $n; nap(2.5);
exit } } 1 while wait > 0`,
    escaped: ({ seen }) => seen.residentBytes > CAPS.memoryBytes * 1.1,
  },
  {
    name: 'writes a larger file than it may',
    perl: `$SIG{XFSZ} = "IGNORE"; open(my $f, ">", "big"); print $f "x" x 1000000 for 1..20;
close $f`,
    escaped: ({ root }) => statSync(join(root, 'big')).size > CAPS.fileBytes,
  },
  {
    name: 'fills memory by a folder that is memory',
    perl: `for my $i (1..10) { put("/dev/shm/$w{mark}-$i", "x" x 4000000) } nap(1);
unlink glob("/dev/shm/$w{mark}-*")`,
    escaped: ({ seen }) => seen.scratchBytes > CAPS.scratchBytes,
  },
  {
    name: 'has more files open than it may',
    perl: 'my @f; for (1..400) { open(my $f, "<", "/dev/null") or last; push @f, $f } nap(1)',
    // What it would have inherited is replaced by nothing, above the cap.
    escaped: ({ seen }) => seen.descriptors > CAPS.openFiles + 8,
  },
  {
    name: 'floods its output',
    perl: '$| = 1; my $x = "x" x 1000000; print $x for 1..120',
    escaped: ({ answer }) => answer.bytes > 100_000_000,
  },
  {
    name: 'leaves a picture of its memory in the root',
    perl: 'exec "/bin/sh", "-c", "ulimit -c unlimited; kill -SEGV \\$\\$"',
    escaped: ({ root }) => readdirSync(root).some((name) => name.startsWith('core')),
  },
]
