/** Escapes to other processes and to the network. */

import { connect } from 'node:net'
import type { Attempt, Escape, ServerName } from './escape-kit.ts'
import { needsNumbers } from './escape-kit.ts'
import { hasLoot } from './escapes-files.ts'

/** Whether a process is there. */
const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ESRCH: there is none
  }
}

/** The bystander at the beginning of an attempt; another takes its place when it is gone. */
const bystanders = new WeakMap<Attempt, number>()

const harms = (name: string, perl: string, more: Partial<Escape> = {}): Escape => ({
  name: `ends a process outside ${name}`,
  perl,
  before: (attempt) => {
    bystanders.set(attempt, attempt.world.bystander())
  },
  escaped: (attempt) => !isThere(bystanders.get(attempt) ?? 0),
  ...more,
})

const reads = (name: string, perl: string, more: Partial<Escape> = {}): Escape => ({
  name: `reads ${name}`,
  perl,
  escaped: hasLoot,
  ...more,
})

export const processEscapes: readonly Escape[] = [
  harms('by its number', 'kill "KILL", $w{bystander}; nap(0.3)'),
  harms('by its group', 'kill "KILL", -$w{bystander}; nap(0.3)'),
  harms('by ending everybody', 'kill "KILL", -1; nap(0.3)', {
    unsafe: 'it would end every process of this user',
  }),
  reads('the environment of whoever started it', 'loot(slurp("/proc/$w{starter}/environ"))'),
  reads('the environment it inherits', 'loot(%ENV)'),
  reads(
    'the environment of its parents',
    `my $p = getppid; my $t = ""; for (1..8) { last if $p < 2;
$t .= slurp("/proc/$p/environ"); slurp("/proc/$p/stat") =~ /\\) \\S (\\d+)/ or last;
$p = $1 } loot($t)`,
  ),
  reads('the environment of a process outside', 'loot(slurp("/proc/$w{bystander}/environ"))'),
  reads(
    'the memory of a process outside',
    `my $t = '';
for (split /\\n/, slurp("/proc/$w{bystander}/maps")) {
  next unless /^(\\w+)-(\\w+) rw.*\\[(?:stack|heap)\\]/;
  open(my $m, '<:raw', "/proc/$w{bystander}/mem") or next;
  sysseek($m, hex($1), 0); my $part = '';
  $t .= $part while sysread($m, $part, 65536) && length($t) < 4e6 && sysseek($m, 0, 1) < hex($2);
}
loot($t =~ /(secret-\\w+)/ ? $1 : '')`,
  ),
  {
    name: 'traces a process outside',
    perl: 'syscall(number("ptrace"), 16, $w{bystander}+0, 0, 0); nap(1)',
    needs: needsNumbers,
    escaped: ({ seen }) => seen.traced,
  },
]

/** Speaks to a server by a socket of Perl. */
const speaks = (
  name: string,
  server: ServerName,
  perl: string,
  more: Partial<Escape> = {},
): Escape => {
  const before = new WeakMap<Attempt, number>()
  return {
    name: `speaks to ${name}`,
    perl,
    before: (attempt) => {
      before.set(attempt, attempt.world.heard(server))
    },
    afterwards: () => new Promise((resolve) => setTimeout(resolve, 100)),
    escaped: (attempt) => attempt.world.heard(server) > (before.get(attempt) ?? 0),
    ...more,
  }
}

const TCP = (address: string, port: string): string =>
  `socket(my $s, AF_INET, SOCK_STREAM, 0);
connect($s, pack_sockaddr_in(${port}, inet_aton(${address}))) and syswrite($s, "x");
nap(0.1)`

const UDP = (port: string, bytes: string): string =>
  `socket(my $s, AF_INET, SOCK_DGRAM, 0);
send($s, ${bytes}, 0, pack_sockaddr_in(${port}, inet_aton("127.0.0.1"))); nap(0.1)`

/** Connects to what a program listens on. */
const reached = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

const listened = new WeakMap<Attempt, boolean>()

export const networkEscapes: readonly Escape[] = [
  speaks(
    'a socket by its path',
    'path',
    `socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un("$w{out}/sock"));
nap(0.1)`,
  ),
  speaks(
    'a socket by its abstract name',
    'abstract',
    `socket(my $s, AF_UNIX, SOCK_STREAM, 0);
connect($s, pack("Sa*", AF_UNIX, "\\0$w{abstract}")); nap(0.1)`,
  ),
  speaks('a server on loopback', 'tcp', TCP('"127.0.0.1"', '$w{tcp}')),
  speaks('a server on loopback by any address', 'tcp', TCP('"0.0.0.0"', '$w{tcp}')),
  speaks(
    'a server on loopback over IPv6',
    'tcp6',
    `socket(my $s, AF_INET6, SOCK_STREAM, 0);
connect($s, Socket::pack_sockaddr_in6($w{tcp6}, Socket::inet_pton(AF_INET6, "::1")));
nap(0.1)`,
    { needs: ({ words }) => (words.includes('tcp6=0') ? 'IPv6 on loopback' : undefined) },
  ),
  speaks('a server by the address of the machine', 'machine', TCP('$w{address}', '$w{machine}'), {
    needs: ({ words }) => (words.includes('address=') ? 'a network' : undefined),
  }),
  speaks('a server over UDP', 'udp', UDP('$w{udp}', '"x"')),
  speaks(
    'a name server',
    'names',
    UDP(
      '$w{names}',
      'pack("n6", 7, 256, 1, 0, 0, 0) . pack("C/a C/a C n n", "leak", "test", 0, 1, 1)',
    ),
  ),
  {
    name: 'listens where somebody outside connects',
    perl: `socket(my $s, AF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
bind($s, pack_sockaddr_in($w{free}, inet_aton("127.0.0.1"))); listen($s, 5); nap(2)`,
    before: (attempt) => {
      const port = Number(attempt.world.words.find((word) => word.startsWith('free='))?.slice(5))
      const look = async (): Promise<void> => {
        while (!listened.has(attempt)) {
          if (await reached(port)) listened.set(attempt, true)
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
      look().catch(() => listened.set(attempt, false))
    },
    afterwards: async (attempt) => {
      if (!listened.has(attempt)) listened.set(attempt, false)
    },
    escaped: (attempt) => listened.get(attempt) === true,
  },
]
