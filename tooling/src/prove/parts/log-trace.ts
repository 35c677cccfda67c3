/**
 * Reads what `strace -ff -y -xx` wrote: the calls by which a process changed the files of a folder,
 * in their order, and between them what it said to its witness.
 *
 * All of them are made by one thread, because SQLite works on the thread that calls it: where that
 * is not so the trace is refused, for then there would be no one order. So is a map of a file that
 * is written without calls; the `-shm` is one, and is not relied on after a crash.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** The calls that can change a file or a folder, or make that durable. */
export const TRACED: string = [
  ['openat', 'open', 'creat', 'mkdir', 'mkdirat', 'mmap'],
  ['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'sendfile', 'copy_file_range'],
  ['fsync', 'fdatasync', 'sync_file_range', 'msync', 'sync', 'syncfs'],
  ['truncate', 'ftruncate', 'fallocate'],
  ['link', 'linkat', 'unlink', 'unlinkat', 'rename', 'renameat', 'renameat2'],
]
  .flat()
  .map((name) => `?${name}`)
  .join()

/** One call, as it stands in the trace. */
export interface Call {
  readonly name: string
  readonly args: readonly string[]
  /** Negative when it failed; NaN when the process did not live to see it. */
  readonly result: number
  readonly isInjected: boolean
  /** The name of its error. */
  readonly error: string | undefined
  /** Which call of this name in its thread, from 1. */
  readonly nth: number
  /** The files it is about. */
  readonly paths: readonly string[]
}

const LINE = /^(\w+)\((.*)\)\s+= (\?|-?\d+|0x[0-9a-f]+)(.*)$/

const HEX = /(?:\\x[0-9a-f]{2})+/

const fromHex = (text: string): Buffer => Buffer.from(text.replaceAll('\\x', ''), 'hex')

/** The path in `"…"`, `12<…>` or `AT_FDCWD<…>`. */
const pathIn = (arg: string): string | undefined => {
  const isNamed = /^(?:"|\d+<)/.test(arg)
  const hex = isNamed ? HEX.exec(arg)?.[0] : undefined
  return hex === undefined ? undefined : fromHex(hex).toString()
}

/** Calls whose strings are bytes, not paths. */
const WITH_BYTES: ReadonlySet<string> = new Set(['write', 'pwrite64'])

/** The calls of one thread. */
export const parseTrace = (text: string): readonly Call[] => {
  const calls: Call[] = []
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = LINE.exec(line)
    if (match === null) continue
    const [, name = '', list = '', result = '', rest = ''] = match
    const nth = (counts.get(name) ?? 0) + 1
    counts.set(name, nth)
    const args = list.split(', ')
    const named = WITH_BYTES.has(name) || name === 'mmap' ? args.filter((a) => !/^"/.test(a)) : args
    calls.push({
      name,
      args,
      result: result === '?' ? Number.NaN : Number(result),
      isInjected: rest.includes('(INJECTED)'),
      error: /^ (E[A-Z0-9]+) /.exec(rest)?.[1],
      nth,
      paths: named.map(pathIn).filter((path) => path !== undefined),
    })
  }
  return calls
}

const isIn = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(`${folder}/`)

/** The calls of the one thread that worked on a folder. @throws when there are several */
export const readTrace = (trace: string, folder: string): readonly Call[] => {
  const files = readdirSync(dirname(trace)).filter((file) => file.startsWith(`${basename(trace)}.`))
  const threads = files
    .map((file) => parseTrace(readFileSync(join(dirname(trace), file), 'latin1')))
    .filter((calls) => calls.some(({ paths }) => paths.some((path) => isIn(folder, path))))
  if (threads.length > 1) throw new Error(`${threads.length} threads worked on ${folder}`)
  return threads[0] ?? []
}

/** One change of the files of a folder. Files are named without the folder. */
export type Op =
  | { readonly kind: 'create'; readonly file: string }
  | {
      readonly kind: 'write'
      readonly file: string
      readonly offset: number
      readonly bytes: Buffer
    }
  | { readonly kind: 'truncate'; readonly file: string; readonly size: number }
  | { readonly kind: 'sync'; readonly file: string }
  | { readonly kind: 'sync-folder' }
  | { readonly kind: 'link'; readonly from: string; readonly file: string }
  | { readonly kind: 'rename'; readonly from: string; readonly file: string }
  | { readonly kind: 'remove'; readonly file: string }
  /** A line of the witness: the process knows it from here on. */
  | { readonly kind: 'say'; readonly text: string }

/** Where to look. */
export interface OpsInit {
  readonly folder: string
  readonly witness: string
  /** The files that were there before. */
  readonly files: ReadonlySet<string>
}

/** The changes that calls made. @throws at a call that changes files in a way not known here */
export const opsOf = (
  calls: readonly Call[],
  { folder, witness, files }: OpsInit,
): readonly Op[] => {
  const there = new Set(files)
  const ops: Op[] = []
  for (const call of calls) {
    if (!(call.result >= 0)) continue
    if (call.name === 'write' && call.paths[0] === witness) {
      ops.push({ kind: 'say', text: bytesOf(call).toString() })
      continue
    }
    if (!call.paths.some((path) => isIn(folder, path))) continue
    const op = opOf(call, folder, there)
    if (op === undefined) continue
    if (op.kind === 'create' || op.kind === 'link' || op.kind === 'rename') there.add(op.file)
    if (op.kind === 'rename') there.delete(op.from)
    if (op.kind === 'remove') there.delete(op.file)
    ops.push(op)
  }
  return ops
}

const bytesOf = (call: Call): Buffer => {
  const written = fromHex(HEX.exec(call.args[1] ?? '')?.[0] ?? '')
  if (written.length < call.result) throw new Error(`the trace has not all of a ${call.name}`)
  return written.subarray(0, call.result)
}

const opOf = (call: Call, folder: string, there: ReadonlySet<string>): Op | undefined => {
  const [first = '', second = ''] = call.paths
  const file = first.slice(folder.length + 1)
  switch (call.name) {
    case 'openat':
    case 'open':
      return openingOf(call, file, there)
    case 'pwrite64':
      return { kind: 'write', file, offset: Number(call.args[3]), bytes: bytesOf(call) }
    case 'ftruncate':
      return { kind: 'truncate', file, size: Number(call.args[1]) }
    case 'fsync':
    case 'fdatasync':
      return first === folder ? { kind: 'sync-folder' } : { kind: 'sync', file }
    case 'unlink':
    case 'unlinkat':
      return { kind: 'remove', file }
    case 'link':
    case 'linkat':
      return { kind: 'link', from: file, file: second.slice(folder.length + 1) }
    case 'rename':
    case 'renameat':
    case 'renameat2':
      return { kind: 'rename', from: file, file: second.slice(folder.length + 1) }
    case 'mmap': {
      const isShared = call.args.some((arg) => arg.includes('MAP_SHARED'))
      const isWritten = call.args.some((arg) => arg.includes('PROT_WRITE'))
      if (!isShared || !isWritten || file.endsWith('-shm')) return undefined
      throw new Error(`${file} is written by way of a map, which no trace shows`)
    }
    default:
      throw new Error(`${call.name} of ${first} is not among the changes known here`)
  }
}

const openingOf = ({ args }: Call, file: string, there: ReadonlySet<string>): Op | undefined => {
  const flags = args.find((arg) => /^O_\w+/.test(arg)) ?? ''
  if (flags.includes('O_TRUNC')) throw new Error(`${file} is cut off as it is opened`)
  return flags.includes('O_CREAT') && !there.has(file) ? { kind: 'create', file } : undefined
}
