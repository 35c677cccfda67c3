/**
 * What a program in a box may not ask of the kernel: a filter of seccomp, as the kernel takes it.
 *
 * The namespaces of a box decide what a program can reach. The filter takes away calls that reach
 * around them, or that are refused to it anyway and only have a history of faults:
 *
 *     another architecture's calls          killed
 *     mounts, namespaces, keys, other processes' memory, bpf, io_uring, modules, …   EPERM
 *     sockets but for unix, IPv4, IPv6 and netlink (vsock leads out of a network namespace)
 *     typing into a terminal (TIOCSTI, TIOCLINUX)
 *     making a file that runs as its owner (the bits 06000): it would outlive the box, in the root
 *     openat2                               ENOSYS: its mode lies where no filter can look
 *
 * The trap: a filter that looks at names. It sees numbers, which each architecture has of its own;
 * where the table is not known there is no filter, and that is told.
 *
 * @source linux/seccomp.h, linux/bpf_common.h; arch/x86/entry/syscalls, asm-generic/unistd.h
 */

import { Buffer } from 'node:buffer'

/** An instruction: what, where to go if so, where if not, and its constant. */
type Instruction = readonly [code: number, jt: number, jf: number, k: number]

const LOAD = 0x20
const IF_EQUAL = 0x15
const IF_FROM = 0x35
const IF_BITS = 0x45
const RETURN = 0x06

const ALLOW = 0x7fff0000
const KILL = 0x80000000
const ERRNO = 0x00050000
const [EPERM, ENOSYS, EAFNOSUPPORT] = [1, 38, 97] as const

/** Offsets into `struct seccomp_data`. */
const [NUMBER, ARCHITECTURE] = [0, 4] as const
const argument = (at: number): number => 16 + 8 * at

const O_CREAT_OR_TMPFILE = 0o20000100
const RUNS_AS_OWNER = 0o6000
const [TIOCSTI, TIOCLINUX] = [0x5412, 0x541c] as const
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK */
const FAMILIES = [1, 2, 10, 16] as const

/** The numbers of one architecture. */
interface Table {
  readonly audit: number
  /** From here on numbers are of another way to call, as x32 on x86-64. */
  readonly foreign: number | undefined
  readonly denied: readonly number[]
  readonly socket: number
  readonly ioctl: number
  readonly openat2: number
  /** Calls that set a mode: the number, and which argument the mode is. */
  readonly modes: readonly (readonly [number: number, mode: number])[]
  /** Calls that open: the number, and which argument the flags are; the mode is the next. */
  readonly opens: readonly (readonly [number: number, flags: number])[]
}

/** Calls that have one number everywhere: mounts of the new kind, io_uring, pidfd_getfd. */
const SHARED = [425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442, 443] as const

const TABLES: ReadonlyMap<string, Table> = new Map<string, Table>([
  [
    'x64',
    {
      audit: 0xc000003e,
      foreign: 0x40000000,
      denied: [
        ...[101, 310, 311, 312], // ptrace, process_vm_readv, process_vm_writev, kcmp
        ...[165, 166, 155, 161, 308, 272], // mount, umount2, pivot_root, chroot, setns, unshare
        ...[250, 248, 249], // keyctl, add_key, request_key
        ...[298, 321, 323, 300], // perf_event_open, bpf, userfaultfd, fanotify_init
        ...[303, 304], // name_to_handle_at, open_by_handle_at
        ...[167, 168, 169, 246, 320], // swapon, swapoff, reboot, kexec_load, kexec_file_load
        ...[175, 313, 176], // init_module, finit_module, delete_module
        ...[163, 179, 103, 164, 227, 305], // acct, quotactl, syslog, and setting the time
        ...[172, 173, 154, 153, 170, 171], // iopl, ioperm, modify_ldt, vhangup, names of the host
        ...[134, 136, 139, 156, 180, 212], // uselib, ustat, sysfs, _sysctl, nfsservctl, dcookie
      ],
      socket: 41,
      ioctl: 16,
      openat2: 437,
      modes: [
        [90, 1], // chmod
        [91, 1], // fchmod
        [268, 2], // fchmodat
        [452, 2], // fchmodat2
        [133, 1], // mknod
        [259, 2], // mknodat
        [85, 1], // creat
      ],
      opens: [
        [2, 1], // open
        [257, 2], // openat
      ],
    },
  ],
  [
    'arm64',
    {
      audit: 0xc00000b7,
      foreign: undefined,
      denied: [
        ...[117, 270, 271, 272], // ptrace, process_vm_readv, process_vm_writev, kcmp
        ...[40, 39, 41, 51, 268, 97], // mount, umount2, pivot_root, chroot, setns, unshare
        ...[219, 217, 218], // keyctl, add_key, request_key
        ...[241, 280, 282, 262], // perf_event_open, bpf, userfaultfd, fanotify_init
        ...[264, 265], // name_to_handle_at, open_by_handle_at
        ...[224, 225, 142, 104, 294], // swapon, swapoff, reboot, kexec_load, kexec_file_load
        ...[105, 273, 106], // init_module, finit_module, delete_module
        ...[89, 60, 116, 170, 112, 266], // acct, quotactl, syslog, and setting the time
        ...[58, 161, 162, 42, 18], // vhangup, names of the host, nfsservctl, dcookie
      ],
      socket: 198,
      ioctl: 29,
      openat2: 437,
      modes: [
        [52, 1], // fchmod
        [53, 2], // fchmodat
        [452, 2], // fchmodat2
        [33, 2], // mknodat
      ],
      opens: [[56, 2]], // openat
    },
  ],
])

const give = (value: number): Instruction => [RETURN, 0, 0, value >>> 0]
const refuse = (errno: number): Instruction => give(ERRNO | errno)

/** What is done about one call; the block ends in an answer. */
function about(number: number, block: readonly Instruction[]): readonly Instruction[] {
  return [[IF_EQUAL, 0, block.length, number], ...block]
}

function modeBlock(mode: number): readonly Instruction[] {
  return [[LOAD, 0, 0, argument(mode)], [IF_BITS, 0, 1, RUNS_AS_OWNER], refuse(EPERM), give(ALLOW)]
}

function openBlock(flags: number): readonly Instruction[] {
  return [
    [LOAD, 0, 0, argument(flags)],
    [IF_BITS, 1, 0, O_CREAT_OR_TMPFILE],
    give(ALLOW),
    ...modeBlock(flags + 1),
  ]
}

/** Allows what is in a list of values of an argument, or refuses what is. */
function listBlock(init: {
  readonly argument: number
  readonly values: readonly number[]
  readonly listed: Instruction
  readonly other: Instruction
}): readonly Instruction[] {
  const { values, listed, other } = init
  const tests = values.map((value, at): Instruction => {
    const left = values.length - 1 - at
    return left === 0 ? [IF_EQUAL, 0, 1, value] : [IF_EQUAL, left, 0, value]
  })
  return [[LOAD, 0, 0, argument(init.argument)], ...tests, listed, other]
}

function instructions(table: Table): readonly Instruction[] {
  const { audit, foreign, denied, modes, opens } = table
  const terminals = [TIOCSTI, TIOCLINUX]
  return [
    [LOAD, 0, 0, ARCHITECTURE],
    [IF_EQUAL, 1, 0, audit],
    give(KILL),
    [LOAD, 0, 0, NUMBER],
    ...(foreign === undefined ? [] : [[IF_FROM, 0, 1, foreign] as const, refuse(ENOSYS)]),
    ...[...denied, ...SHARED].flatMap((number) => about(number, [refuse(EPERM)])),
    ...about(table.openat2, [refuse(ENOSYS)]),
    ...about(
      table.socket,
      listBlock({
        argument: 0,
        values: FAMILIES,
        listed: give(ALLOW),
        other: refuse(EAFNOSUPPORT),
      }),
    ),
    ...about(
      table.ioctl,
      listBlock({ argument: 1, values: terminals, listed: refuse(EPERM), other: give(ALLOW) }),
    ),
    ...modes.flatMap(([number, mode]) => about(number, modeBlock(mode))),
    ...opens.flatMap(([number, flags]) => about(number, openBlock(flags))),
    give(ALLOW),
  ]
}

/**
 * The filter of an architecture as the kernel takes it; `undefined` where its numbers are not
 * known.
 *
 * @param architecture - as `process.arch` names it
 */
export function syscallFilter(architecture: string): Buffer | undefined {
  const table = TABLES.get(architecture)
  if (table === undefined) return undefined
  const program = instructions(table)
  const bytes = Buffer.alloc(program.length * 8)
  for (const [at, [code, jt, jf, k]] of program.entries()) {
    bytes.writeUInt16LE(code, at * 8)
    bytes.writeUInt8(jt, at * 8 + 2)
    bytes.writeUInt8(jf, at * 8 + 3)
    bytes.writeUInt32LE(k >>> 0, at * 8 + 4)
  }
  return bytes
}
