/** Escapes by rights: of the superuser, of namespaces, of devices, and of files that lend them. */

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type Escape, needsNumbers } from './escape-kit.ts'
import { hasLoot } from './escapes-files.ts'

const ROOT = { who: 'root' } as const

/** A harmless number of the kernel. */
const SYSCTL = '/proc/sys/kernel/printk_ratelimit_burst'

/** Where control groups are made. */
const GROUPS = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((path) =>
  existsSync(join(path, 'cgroup.procs')),
)

const NULL = '/dev/null'
const usual = statSync(NULL).mode & 0o7777

export const rightsEscapes: readonly Escape[] = [
  {
    ...ROOT,
    name: 'mounts over a folder outside',
    needs: needsNumbers,
    perl: `my ($a, $b, $c) = ("none", "$w{out}/mount", "tmpfs");
syscall(number("mount"), $a, $b, $c, 0, 0)`,
    escaped: ({ world }) =>
      readFileSync('/proc/self/mounts', 'utf8').includes(`${world.out}/mount`),
    restore: ({ world }) => {
      spawnSync('/usr/bin/umount', [`${world.out}/mount`])
    },
  },
  {
    name: 'has rights in a user namespace of its own',
    needs: needsNumbers,
    perl: 'syscall(number("unshare"), 0x10000000); nap(1)',
    escaped: ({ seen }) => seen.hadRights,
    who: 'user',
  },
  {
    ...ROOT,
    name: 'has the rights of whoever started it',
    perl: 'nap(1)',
    escaped: ({ seen }) => seen.hadRights,
  },
  {
    ...ROOT,
    name: 'enters the mounts of a process outside',
    needs: needsNumbers,
    perl: `open(my $n, "<", "/proc/$w{bystander}/ns/mnt"); syscall(number("setns"), fileno($n), 0);
loot(slurp("$w{out}/secret"))`,
    escaped: hasLoot,
  },
  {
    ...ROOT,
    name: 'makes the node of a disk in the root',
    needs: needsNumbers,
    perl: 'syscall(number("mknodat"), -100, my $p = "$w{root}/disk", 0060600, 0xfe00)',
    escaped: ({ root }) =>
      statSync(join(root, 'disk'), { throwIfNoEntry: false })?.isBlockDevice() === true,
  },
  {
    ...ROOT,
    name: 'changes a number of the kernel',
    perl: `my $v = slurp("${SYSCTL}"); put("was", $v); put("${SYSCTL}", $v + 1)`,
    escaped: ({ root }) => {
      const was = join(root, 'was')
      return existsSync(was) && readFileSync(was, 'utf8') !== readFileSync(SYSCTL, 'utf8')
    },
    restore: ({ root }) => {
      writeFileSync(SYSCTL, readFileSync(join(root, 'was')))
    },
  },
  {
    ...ROOT,
    name: 'makes a control group',
    needs: () => (GROUPS === undefined ? 'control groups' : undefined),
    perl: `mkdir("${GROUPS}/$w{mark}")`,
    escaped: ({ mark }) => existsSync(join(GROUPS ?? '', mark)),
    restore: ({ mark }) => rmdirSync(join(GROUPS ?? '', mark)),
  },
  {
    ...ROOT,
    name: 'reads the log of the kernel',
    needs: () => (existsSync('/dev/kmsg') ? undefined : '/dev/kmsg'),
    perl: `use Fcntl; sysopen(my $k, "/dev/kmsg", O_RDONLY | O_NONBLOCK) or exit;
sysread($k, my $t, 8192); loot($t)`,
    escaped: ({ root }) => {
      const path = join(root, 'loot')
      return existsSync(path) && /^\d+,\d+,\d+/.test(readFileSync(path, 'latin1'))
    },
  },
  {
    ...ROOT,
    name: 'changes the mode of a device of the machine',
    perl: 'chmod(0667, "/dev/null")',
    escaped: () => (statSync(NULL).mode & 0o7777) !== usual,
    restore: () => chmodSync(NULL, usual),
  },
  {
    name: 'reads what only root may, by a program that runs as its owner',
    who: 'user',
    // The root of this world is root's to prepare: a copy of `cat` that runs as root.
    before: ({ root }) => {
      const tool = join(root, 'lends')
      copyFileSync('/usr/bin/cat', tool)
      chmodSync(tool, 0o4755)
    },
    perl: 'loot(`./lends $w{out}/root-secret`)',
    escaped: hasLoot,
  },
]
