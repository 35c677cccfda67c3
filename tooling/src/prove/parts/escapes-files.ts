/** Escapes to files: reading, changing and leaving something where the box does not reach. */

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { rootedFiles } from './escape-files-call.ts'
import type { Attempt, Escape } from './escape-kit.ts'

/** Whether the secret was brought home. */
export const hasLoot = ({ root, world }: Attempt): boolean => {
  const path = join(root, 'loot')
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isFile() === true && readFileSync(path, 'latin1').includes(world.secret)
}

const target = ({ world }: Attempt): string => join(world.out, 'target')

const isChanged = (attempt: Attempt): boolean =>
  !existsSync(target(attempt)) || readFileSync(target(attempt), 'utf8') !== 'untouched'

const restoreTarget = (attempt: Attempt): void => writeFileSync(target(attempt), 'untouched')

const reads = (name: string, perl: string, more: Partial<Escape> = {}): Escape => ({
  name: `reads ${name}`,
  perl,
  escaped: hasLoot,
  ...more,
})

const changes = (name: string, perl: string, more: Partial<Escape> = {}): Escape => ({
  name: `changes a file ${name}`,
  perl,
  escaped: isChanged,
  restore: restoreTarget,
  ...more,
})

/** Something with a name of its own that appears in a folder of the machine. */
const appears = (folder: string): Escape => {
  const path = ({ mark }: Attempt): string => join(folder, mark)
  return {
    name: `leaves a file in ${folder} of the machine`,
    perl: `put("${folder}/$w{mark}", 'x')`,
    escaped: (attempt) => existsSync(path(attempt)),
    restore: (attempt) => rmSync(path(attempt), { force: true }),
  }
}

export const fileEscapes: readonly Escape[] = [
  reads('a file by its path', 'loot(slurp("$w{out}/secret"))'),
  reads('a file by climbing out of the root', 'chdir $w{root}; loot(slurp("../out/secret"))'),
  reads('a file by a link in the root', 'symlink("$w{out}/secret", "link"); loot(slurp("link"))'),
  reads(
    'a file by a link to a folder that climbs',
    'symlink("../out", "up"); loot(slurp("up/secret"))',
  ),
  reads('a file by a hard link in the root', 'link("$w{out}/secret", "$w{root}/loot")'),
  reads('a file through /proc/self/root', 'loot(slurp("/proc/self/root$w{out}/secret"))'),
  reads(
    'a file through the root of whoever started it',
    'loot(slurp("/proc/$w{starter}/root$w{out}/secret"))',
  ),
  reads(
    'a file through the root of a process outside',
    'loot(slurp("/proc/$w{bystander}/root$w{out}/secret"))',
  ),
  reads(
    'a file through the directory of a process outside',
    'loot(slurp("/proc/$w{bystander}/cwd/secret"))',
  ),
  reads(
    'a file through a descriptor of whoever started it',
    'loot(join "", map { slurp("$_/secret") } glob("/proc/$w{starter}/fd/*"))',
  ),
  reads(
    'a file through an inherited descriptor',
    'loot(join "", map { slurp("$_/secret") } glob("/proc/self/fd/*"))',
  ),
  reads(
    'a file by moving the directory it stands in out of the root',
    `mkdir "d"; mkdir "d/e"; chdir "d/e"; rename("$w{root}/d/e", "$w{out}/e-$w{mark}");
loot(slurp("../secret"))`,
    {
      restore: ({ world, mark }) =>
        rmSync(join(world.out, `e-${mark}`), { recursive: true, force: true }),
    },
  ),
  reads(
    'a file after chroot, by climbing out of it',
    `mkdir "j"; opendir(my $d, "/"); chroot "j"; chdir("..") for 1..32; chroot ".";
loot(slurp("$w{out}/secret"))`,
    { who: 'root' },
  ),
  changes('by its path', 'put("$w{out}/target", "x")'),
  changes('by a link in the root', 'symlink("$w{out}/target", "link"); put("link", "x")'),
  changes('by a link to its folder', 'symlink($w{out}, "dir"); put("dir/target", "x")'),
  changes('through /proc/self/root', 'put("/proc/self/root$w{out}/target", "x")'),
  changes(
    'through the directory of a process outside',
    'put("/proc/$w{bystander}/cwd/target", "x")',
  ),
  changes('by removing it', 'unlink("$w{out}/target")'),
  changes('by putting another in its place', 'put("new", "x"); rename("new", "$w{out}/target")'),
  appears('/tmp'),
  appears('/dev/shm'),
  appears('/var/tmp'),
  {
    name: 'leaves a file in the root when that is only read',
    perl: 'put("kept", "x")',
    call: () => ({ members: { write: false } }),
    escaped: ({ root }) => existsSync(join(root, 'kept')),
  },
  {
    name: 'puts a link in the place of the root',
    perl: 'rename($w{root}, "$w{root}-old"); symlink($w{out}, $w{root})',
    escaped: ({ root }) => lstatSync(root, { throwIfNoEntry: false })?.isDirectory() !== true,
    restore: ({ root }) => rmSync(`${root}-old`, { recursive: true, force: true }),
  },
  {
    name: 'puts a link in the place of a directory that the next program is started in',
    before: ({ root }) => mkdirSync(join(root, 'sub')),
    perl: 'rmdir "sub"; symlink($w{out}, "sub")',
    afterwards: async ({ again, mark }) => {
      const args = ['-e', 'open(my $f, ">", $ARGV[0])', `begun-${mark}`]
      await again({ cwd: 'sub', args, members: { programs: [EVAL] } })
    },
    escaped: ({ world, mark }) => existsSync(join(world.out, `begun-${mark}`)),
    restore: ({ world, mark }) => rmSync(join(world.out, `begun-${mark}`), { force: true }),
  },
  {
    name: 'plants a link that the file handlers read by',
    perl: 'symlink("$w{out}/secret", "planted")',
    afterwards: async (attempt) => rootedFiles(attempt, 'read', 'planted'),
    escaped: hasLoot,
  },
  {
    name: 'plants a link that the file handlers write by',
    perl: 'symlink($w{out}, "planted")',
    afterwards: async (attempt) => rootedFiles(attempt, 'replace', 'planted/target'),
    escaped: isChanged,
    restore: restoreTarget,
  },
  {
    name: 'plants a hard link that the file handlers write by',
    perl: 'link("$w{out}/target", "planted")',
    afterwards: async (attempt) => rootedFiles(attempt, 'replace', 'planted'),
    escaped: isChanged,
    restore: restoreTarget,
  },
  {
    name: 'leaves a file in the root that runs as its owner',
    perl: 'put("tool", "#!/bin/sh"); chmod(06755, "tool")',
    escaped: ({ root }) => ((statSync(join(root, 'tool')).mode ?? 0) & 0o6000) !== 0,
  },
  {
    name: 'is made to run as its owner when it is made',
    perl: 'use Fcntl; umask 0; sysopen(my $f, "made", O_CREAT | O_WRONLY, 04755)',
    escaped: ({ root }) =>
      readdirSync(root).includes('made') && (statSync(join(root, 'made')).mode & 0o6000) !== 0,
  },
]

/** A grant on a program that is given as a word. */
const EVAL = {
  path: '/usr/bin/perl',
  args: { words: ['-e', { text: 256 }], rest: { of: { text: 256 }, max: 8 } },
}

/** A link that leads nowhere good, for calls that name it. */
export const plantLink = ({ world, root }: Attempt, name: string): void =>
  symlinkSync(world.out, join(root, name))
