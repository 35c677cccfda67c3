/** Verifies: EFF-R22, EFF-R27 */

import { readFileSync } from 'node:fs'
import { hasCode } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PROCESS_CODES, processEffects } from '../src/index.ts'
import { slotsWithout } from '../src/proc/descriptors.ts'
import { syscallFilter } from '../src/proc/syscalls.ts'

const [run, observe] = processEffects()

const codeOf = (value: unknown, handler = run): string => {
  try {
    handler?.arguments.parse(value)
    return 'taken'
  } catch (error) {
    return String((error as { readonly code?: unknown }).code)
  }
}

const UNSUPPORTED = 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED'

describe('proc / arguments', () => {
  it('come with their defaults, and claim what they name', () => {
    const args = run?.arguments.parse({ program: '/bin/x', env: { A: '1' } })
    expect(args).toEqual({
      program: '/bin/x',
      args: [],
      env: { A: '1' },
      cwd: '.',
      stdinEncoding: 'utf8',
      encoding: 'auto',
      maxBytes: 1_048_576,
      timeoutMs: 60_000,
      write: false,
      network: false,
      sandbox: 'required',
    })
    expect(run?.resource(args ?? {})).toEqual({
      program: '/bin/x',
      args: [],
      env: ['A'],
      cwd: '.',
      write: false,
      network: false,
      sandbox: 'required',
    })
  })

  it.each<[object, string]>([
    [{ program: '' }, UNSUPPORTED],
    [{ program: '/bin/x\0' }, UNSUPPORTED],
    [{ args: 'x' }, UNSUPPORTED],
    [{ args: ['a\0b'] }, UNSUPPORTED],
    [{ args: ['\ud800'] }, UNSUPPORTED],
    [{ args: [1] }, UNSUPPORTED],
    [{ args: Array.from({ length: 161 }, () => 'x') }, UNSUPPORTED],
    [{ args: ['x'.repeat(3_073)] }, 'ICE_EFFECTS_PROC_ARGUMENTS_LIMIT'],
    [
      { args: Array.from({ length: 160 }, () => 'x'.repeat(20)) },
      'ICE_EFFECTS_PROC_ARGUMENTS_LIMIT',
    ],
    [{ env: { '': 'x' } }, UNSUPPORTED],
    [{ env: { 'A=B': 'x' } }, UNSUPPORTED],
    [{ env: { A: 'x\0' } }, UNSUPPORTED],
    [{ env: { A: 1 } }, UNSUPPORTED],
    [{ env: ['A'] }, UNSUPPORTED],
    [
      { env: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`A${at}`, ''])) },
      'ICE_EFFECTS_PROC_ARGUMENTS_LIMIT',
    ],
    [{ env: { A: 'x'.repeat(65_536) } }, 'ICE_EFFECTS_PROC_ARGUMENTS_LIMIT'],
    [{ cwd: '' }, 'ICE_EFFECTS_PATH_UNSUPPORTED'],
    [{ cwd: 'a\0' }, 'ICE_EFFECTS_PATH_UNSUPPORTED'],
    [{ stdin: 'x', stdinEncoding: 'base64' }, 'ICE_EFFECTS_ENCODING_UNSUPPORTED'],
    [{ stdin: 'x'.repeat(8 * 1_048_576 + 1) }, 'ICE_EFFECTS_INPUT_LIMIT'],
    [{ timeoutMs: 0 }, UNSUPPORTED],
    [{ timeoutMs: 3_600_001 }, UNSUPPORTED],
    [{ maxBytes: 3 * 1_048_576 + 1 }, UNSUPPORTED],
    [{ sandbox: 'off' }, UNSUPPORTED],
    [{ sandbox: 'unsandboxed' }, UNSUPPORTED],
    [{ sandbox: 'unsandboxed', write: true }, UNSUPPORTED],
    [{ shell: true }, UNSUPPORTED],
  ])('refuse %j with %s', (members, code) => {
    expect(codeOf({ program: '/bin/x', ...members })).toBe(code)
  })

  it('of one that only looks have no word for changing', () => {
    expect(codeOf({ program: '/bin/x' }, observe)).toBe('taken')
    for (const member of [{ write: false }, { network: false }, { sandbox: 'required' }]) {
      expect(codeOf({ program: '/bin/x', ...member }, observe)).toBe(UNSUPPORTED)
    }
  })

  it('are taken or refused with a code, whatever comes', () => {
    const json = fc.jsonValue({ maxDepth: 3 })
    const names = ['program', 'args', 'env', 'cwd', 'stdin', 'write', 'sandbox', '__proto__']
    const members = fc.record(Object.fromEntries(names.map((name) => [name, json])), {
      requiredKeys: [],
    })
    fc.assert(
      fc.property(fc.oneof(json, members, fc.anything()), (value) => {
        expect(codeOf(value)).toMatch(/^(?:taken|ICE_[A-Z_]+)$/)
      }),
      { numRuns: 500 },
    )
  })

  it('name inherited things as themselves', () => {
    const env = Object.fromEntries(['constructor', 'toString'].map((name) => [name, 'x']))
    const args = run?.arguments.parse({ program: '/bin/x', env }) ?? {}
    expect(run?.resource(args)).toMatchObject({ env: ['constructor', 'toString'] })
  })

  it('fail with errors that can be told apart by code', () => {
    const limit = { program: '/bin/x', args: ['x'.repeat(4_000)] }
    expect(() => run?.arguments.parse(limit)).toThrow(
      expect.toSatisfy((error: unknown) => hasCode(error, PROCESS_CODES.argumentsLimit)),
    )
  })
})

describe('proc / descriptors', () => {
  it('puts nothing in the place of what would be inherited', () => {
    const wanted = ['ignore', 'pipe', 'pipe'] as const
    expect(slotsWithout([], wanted, 9)).toEqual(wanted)
    expect(slotsWithout([3, 6], wanted, 9)).toEqual([...wanted, 9, 'ignore', 'ignore', 9])
    expect(slotsWithout([6, 3], wanted, 9)).toEqual([...wanted, 9, 'ignore', 'ignore', 9])
    expect(slotsWithout([1], wanted, 9)).toEqual(wanted)
  })
})

/** What the kernel would answer: the filter, carried out as the kernel does. */
function answered(
  filter: Buffer,
  data: { arch: number; nr: number; args?: readonly number[] },
): number {
  const words = [data.nr, data.arch, 0, 0, ...(data.args ?? []).flatMap((each) => [each, 0])]
  let [at, value] = [0, 0]
  for (;;) {
    const code = filter.readUInt16LE(at * 8)
    const [jt, jf] = [filter.readUInt8(at * 8 + 2), filter.readUInt8(at * 8 + 3)]
    const k = filter.readUInt32LE(at * 8 + 4)
    at += 1
    if (code === 0x06) return k
    if (code === 0x20) value = (words[k / 4] ?? 0) >>> 0
    else if (code === 0x15) at += value === k ? jt : jf
    else if (code === 0x35) at += value >= k ? jt : jf
    else if (code === 0x45) at += (value & k) === 0 ? jf : jt
    else throw new TypeError(`no instruction: ${code}`)
  }
}

const [ALLOW, KILL, EPERM, ENOSYS, EAFNOSUPPORT] = [
  0x7fff0000, 0x80000000, 0x50001, 0x50026, 0x50061,
]

describe.each([
  ['x64', 0xc000003e, { read: 0, ptrace: 101, socket: 41, ioctl: 16, fchmod: 91, openat: 257 }],
  ['arm64', 0xc00000b7, { read: 63, ptrace: 117, socket: 198, ioctl: 29, fchmod: 52, openat: 56 }],
])('proc / the filter of %s', (architecture, arch, number) => {
  const filter = syscallFilter(architecture) ?? Buffer.alloc(0)
  const asks = (nr: number, ...args: readonly number[]): number =>
    answered(filter, { arch, nr, args })

  it.each<[string, number, () => number]>([
    ['reading', ALLOW, () => asks(number.read)],
    ['a number that is not known', ALLOW, () => asks(9_999)],
    ['ptrace', EPERM, () => asks(number.ptrace)],
    ['io_uring_setup', EPERM, () => asks(425)],
    ['pidfd_getfd', EPERM, () => asks(438)],
    ['openat2', ENOSYS, () => asks(437)],
    ['a unix socket', ALLOW, () => asks(number.socket, 1, 1, 0)],
    ['an IPv6 socket', ALLOW, () => asks(number.socket, 10, 1, 0)],
    ['a netlink socket', ALLOW, () => asks(number.socket, 16, 3, 0)],
    ['a vsock socket', EAFNOSUPPORT, () => asks(number.socket, 40, 1, 0)],
    ['a packet socket', EAFNOSUPPORT, () => asks(number.socket, 17, 3, 0)],
    ['typing into a terminal', EPERM, () => asks(number.ioctl, 0, 0x5412)],
    ['selecting on a terminal', EPERM, () => asks(number.ioctl, 0, 0x541c)],
    ['the size of a terminal', ALLOW, () => asks(number.ioctl, 0, 0x5413)],
    ['a plain mode', ALLOW, () => asks(number.fchmod, 3, 0o755)],
    ['a mode that runs as the owner', EPERM, () => asks(number.fchmod, 3, 0o4755)],
    ['a mode that runs as the group', EPERM, () => asks(number.fchmod, 3, 0o2755)],
    ['making a file', ALLOW, () => asks(number.openat, 0, 0, 0o101, 0o644)],
    ['making one that runs as the owner', EPERM, () => asks(number.openat, 0, 0, 0o101, 0o4755)],
    ['making a nameless one', EPERM, () => asks(number.openat, 0, 0, 0o20200002, 0o4755)],
    ['opening, whatever lies in the mode', ALLOW, () => asks(number.openat, 0, 0, 0, 0o7777)],
    ['another architecture', KILL, () => answered(filter, { arch: 0x40000003, nr: 0 })],
  ])('%s', (_, answer, ask) => {
    expect(ask()).toBe(answer)
  })
})

it('proc / the filter of x64 answers no call of x32', () => {
  const filter = syscallFilter('x64') ?? Buffer.alloc(0)
  expect(answered(filter, { arch: 0xc000003e, nr: 0x40000000 })).toBe(ENOSYS)
})

it('proc / there is no filter where numbers are not known', () => {
  expect(syscallFilter('riscv64')).toBeUndefined()
})

describe('proc / the guide', () => {
  const guide = readFileSync(
    new URL('../../../docs/guides/effects-process.md', import.meta.url),
    'utf8',
  )
  const source = readFileSync(new URL('../src/proc/limits.ts', import.meta.url), 'utf8')

  it('names every code and every limit, with its value', () => {
    for (const code of Object.values(PROCESS_CODES)) expect(guide).toContain(`| \`${code}\` |`)
    const limits = [...source.matchAll(/^export const (\w+)(?:: number)? = (.*)$/gm)]
    expect(limits.length).toBeGreaterThan(10)
    for (const [, name = '', text = ''] of limits) {
      const factors = text.split(' * ').map((factor) => Number(factor.replaceAll('_', '')))
      const value = factors.reduce((product, factor) => product * factor, 1)
      expect(guide).toContain(`| \`${name}\` | ${value.toLocaleString('en-US')} |`)
    }
  })
})
