/**
 * The shape of an escape: what a program tries against its box, and how one sees from outside
 * whether it came through.
 *
 * 1. What counts is not what the program says. A secret it cannot guess lies in its root, a file
 *    outside of it has changed, a server of ours was spoken to, a process of ours is gone.
 * 2. Every attempt is made without the box first. One that nobody sees there proves nothing.
 * 3. Every attempt ends by itself, also without the box, and takes a bounded share of the machine.
 */

/** How an attempt is made: by a plain `spawn`, or by the handler, in a box. */
export type Mode = 'bare' | 'boxed'

/** Who makes it: the superuser, or somebody without rights. */
export type Who = 'root' | 'user'

/** What is to be started. */
export interface Call {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Relative to the root. */
  readonly cwd: string
  readonly root: string
  /** Of the grant. */
  readonly members: Readonly<Record<string, unknown>>
  readonly timeoutMs: number
  /** Without the box: whether the words are handed to a shell, as is often done. */
  readonly shell?: boolean
}

/** What came of it. */
export interface Answer {
  /** The code of a refusal or a failure; `ended` and how otherwise. */
  readonly told: string
  /** Bytes of its standard output that were taken in. */
  readonly bytes: number
  /** What it wrote to its standard error, for whoever looks into a surprise. */
  readonly stderr: string
}

/** The largest that was seen of a marked program while it ran, from outside. */
export interface Seen {
  processes: number
  /** Of all its processes, files that they share not counted. @units bytes */
  residentBytes: number
  descriptors: number
  /** Whether one of its processes had a right over its namespaces. */
  hadRights: boolean
  /** Whether somebody traced the bystander. */
  traced: boolean
  /** @units bytes in its `/dev/shm` */
  scratchBytes: number
}

/** The world outside of the box: everything that nobody in it may reach. */
export interface World {
  readonly who: Who
  /** A folder beside all roots. */
  readonly out: string
  /** What stands in `out/secret`, in the environment of who starts programs, and elsewhere. */
  readonly secret: string
  /** The bystander: a process of the same user, in a group of its own. */
  readonly bystander: () => number
  /** What was said to the servers of this world, by their names. */
  readonly heard: (name: ServerName) => number
  /** Words by which a program is told where things are. */
  readonly words: readonly string[]
  /** Makes a call. */
  readonly start: (call: Call, mode: Mode) => Promise<Answer>
}

/** Servers outside. */
export type ServerName = 'path' | 'abstract' | 'tcp' | 'tcp6' | 'machine' | 'udp' | 'names'

/** One attempt, as it was made. */
export interface Attempt {
  readonly world: World
  readonly mode: Mode
  readonly root: string
  /** A word of its command line, and of no other. */
  readonly mark: string
  readonly seen: Seen
  /** Makes a further call in the same root, in the same way. */
  readonly again: (call: Partial<Call>) => Promise<Answer>
  /** What came of the first call. */
  answer: Answer
}

/** An escape. */
export interface Escape {
  readonly name: string
  /** What is tried, in Perl. */
  readonly perl?: string
  /** Or what is called, where it is the call that tries something. */
  readonly call?: (attempt: Attempt) => Partial<Call>
  /** @defaultValue everybody */
  readonly who?: Who
  /** Why it is not made without a box: it would harm more than what it is aimed at. */
  readonly unsafe?: string
  /** What it needs and the machine may not have. */
  readonly needs?: (world: World) => string | undefined
  readonly before?: (attempt: Attempt) => void
  /** What is done after it, in the same way; before anybody looks. */
  readonly afterwards?: (attempt: Attempt) => Promise<void>
  readonly escaped: (attempt: Attempt) => boolean | Promise<boolean>
  /** Puts right what came through. */
  readonly restore?: (attempt: Attempt) => void
}

/** What every script begins with: the words it was given, and how it brings something home. */
export const PRELUDE = `use strict; use warnings; no warnings; use Socket;
my %w = map { split /=/, $_, 2 } grep { /=/ } @ARGV;
my $at = "$w{root}/loot";
sub slurp { my $t = ''; open(my $f, '<', $_[0]) or return ''; read($f, $t, 65536); close $f; $t }
sub loot { open(my $f, '>', $at) or return; print $f @_; close $f }
sub put { open(my $f, '>', $_[0]) or return; print $f $_[1]; close $f }
sub nap { select undef, undef, undef, $_[0] }
sub number { $w{"sys_$_[0]"} // die "no number" }
`

/** Numbers of calls that Perl has no word for. */
const NUMBERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x64: { ptrace: 101, mount: 165, unshare: 272, setns: 308, mknodat: 259, readv: 310 },
  arm64: { ptrace: 117, mount: 40, unshare: 97, setns: 268, mknodat: 33, readv: 270 },
}

/** Words that tell a script the numbers of this machine. */
export const numberWords = (): readonly string[] =>
  Object.entries(NUMBERS[process.arch] ?? {}).map(([name, number]) => `sys_${name}=${number}`)

/** What an attempt needs that makes calls by number. */
export const needsNumbers = (): string | undefined =>
  NUMBERS[process.arch] === undefined ? `numbers of system calls on ${process.arch}` : undefined
