/**
 * The states in which a trace can leave its folder: at each moment all that was not synced kept,
 * all of it lost, some of it, or only its length; and the last write torn, beside each of these.
 *
 * States that are the same bytes are one state, held to all that was known at the last moment at
 * which it can arise.
 */
import { createHash } from 'node:crypto'
import { type Random, seededRandom } from '@ice/primitives'
import { type Choice, CrashDisk, type Fate, type Files } from './log-crash-disk.ts'
import type { Op } from './log-trace.ts'
import { type Line, parseWitness } from './log-witness.ts'

/** A choice and its name. */
interface Variant extends Choice {
  readonly name: string
}

/** One state. */
export interface CrashState {
  /** The moment and the choice: `153:some-1`. */
  readonly name: string
  readonly files: Files
  /** What had been said by then. */
  readonly witness: readonly Line[]
  /** Of the files: two states with the same are the same. */
  readonly digest: number
}

const all = (changes: number): number => changes
const none = (): number => 0

const KEPT: Variant = { name: 'kept', names: all, fate: () => 'kept' }
const LOST: Variant = { name: 'lost', names: none, fate: () => 'lost' }

const WHOLE: readonly Variant[] = [
  KEPT,
  LOST,
  { name: 'lengths', names: all, fate: () => 'length' },
  { name: 'names', names: all, fate: () => 'lost' },
  { name: 'contents', names: none, fate: () => 'kept' },
]

/** Choices by chance at each moment. */
const SOME = 4

/** A disk writes these whole. @units bytes */
const SECTOR = 512

/** Kept, lost, and torn at a sector, each by chance. */
const someOf = (name: string, random: Random): Variant => ({
  name,
  names: (changes) => Math.floor(random.float() * (changes + 1)),
  fate: (change) => {
    const chance = random.float()
    if (chance < 0.45) return 'kept'
    if (chance < 0.8 || change.kind === 'truncate') return 'lost'
    if (chance < 0.85) return 'length'
    return SECTOR * Math.floor((random.float() * change.bytes.length) / SECTOR)
  },
})

/** The last write of all ends early. */
const torn = (beside: Variant, bytes: number): Variant => ({
  name: `${beside.name}-torn-${bytes}`,
  names: beside.names,
  fate: (change, isLast): Fate => (isLast ? bytes : beside.fate(change, isLast)),
})

const TORN_AT: readonly ((bytes: number) => number)[] = [
  (bytes) => Math.ceil(bytes / 8),
  () => SECTOR,
  () => 4_096,
]

/** All choices at a moment; the same each time it is asked. */
const variantsAt = (disk: CrashDisk, seed: string): readonly Variant[] => {
  if (disk.isAtRest) return [KEPT]
  const some = Array.from({ length: SOME }, (_, at) => {
    const name = `some-${at}`
    return someOf(name, seededRandom(`${seed}/${name}`))
  })
  const cuts = new Set(TORN_AT.map((at) => at(disk.torn)).filter((at) => at < disk.torn))
  const beside = [KEPT, LOST, someOf('some', seededRandom(`${seed}/some`))]
  return [...WHOLE, ...some, ...[...cuts].flatMap((at) => beside.map((each) => torn(each, at)))]
}

/** What a crash leaves matters only by these: the log and its WAL, its backup, their journals. */
const isWanted = (file: string): boolean => !isMap(file) && !/\.(?:new|partial)-/.test(file)

/** The map of a WAL is written without calls, and made anew after a crash. */
const isMap = (file: string): boolean => file.endsWith('-shm')

const digestOf = (files: Files): number => {
  const hash = createHash('sha1')
  for (const file of [...files.keys()].sort()) {
    const bytes = files.get(file) ?? Buffer.alloc(0)
    hash.update(`${file}\0${bytes.length}\0`).update(bytes)
  }
  // As many bits as a number holds exactly.
  return hash.digest().readUIntBE(0, 6)
}

/** What states are derived from. */
export interface Recorded {
  readonly ops: readonly Op[]
  /** What was there before. */
  readonly files: Files
  readonly seed: string
}

/** A state that is possible, not built yet. */
interface Possible {
  readonly name: string
  readonly found: () => Files
  /** What had been said by then. */
  readonly said: number
}

function* walk({ ops, files, seed }: Recorded): Generator<Possible> {
  const disk = new CrashDisk(files)
  let said = 0
  for (const [at, op] of ops.entries()) {
    if ('file' in op && isMap(op.file)) continue
    disk.make(op)
    if (op.kind === 'say') said += 1
    for (const variant of variantsAt(disk, `${seed}/${at}`)) {
      yield { name: `${at}:${variant.name}`, found: () => disk.found(variant, isWanted), said }
    }
  }
}

/**
 * The states of a trace, each once; returns how many were derived.
 *
 * @param only - the state of this name alone, whichever other has the same bytes
 */
export function* statesOf(recorded: Recorded, only?: string): Generator<CrashState, number> {
  const last = new Map<number, string>()
  let derived = 0
  for (const { name, found } of walk(recorded)) {
    if (only === undefined || name === only) last.set(digestOf(found()), name)
    derived += 1
  }
  const chosen = new Map([...last].map(([digest, name]) => [name, digest]))
  const witness = recorded.ops.flatMap((op) => (op.kind === 'say' ? [parseWitness(op.text)] : []))
  for (const { name, found, said } of walk(recorded)) {
    const digest = chosen.get(name)
    if (digest === undefined) continue
    yield { name, files: found(), witness: witness.slice(0, said).flat(), digest }
  }
  return derived
}

/** Everything kept, at the end: what must be there when nothing fails. */
export const endOf = ({ ops, files }: Recorded): Files => {
  const disk = new CrashDisk(files)
  for (const op of ops) {
    if (!('file' in op && isMap(op.file))) disk.make(op)
  }
  return disk.found(KEPT, isWanted)
}
