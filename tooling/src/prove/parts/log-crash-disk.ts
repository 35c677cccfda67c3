/**
 * A disk as it may be found after the power failed: what was synced is there, and of what was not,
 * anything. The model is that of ALICE (Pillai et al., OSDI 2014), for one folder.
 *
 * 1. What was written to a file is safe when a sync of that file has returned; a name, when a sync
 *    of the folder has. A sync of a file makes its name no safer.
 * 2. Of the changes of a file that are not safe, any may be there and any not, each whole, in part,
 *    or as nothing but a longer file.
 * 3. Names that are not safe are kept up to some change: a filesystem has a journal for them.
 */
import type { Op } from './log-trace.ts'

type Change = Extract<Op, { readonly kind: 'write' | 'truncate' }>

/** What changes neither a name nor a file. */
type Silent = Extract<Op, { readonly kind: 'say' | 'sync' | 'sync-folder' }>

interface Content {
  safe: Buffer
  unsafe: Change[]
}

interface Naming {
  readonly file: string
  /** Nothing where the name is removed. */
  readonly content: Content | undefined
}

/** What becomes of one change: the bytes of it that are there, or only the length it gave. */
export type Fate = 'kept' | 'lost' | 'length' | number

/** A choice among the states that are possible at one moment. */
export interface Choice {
  /** How many of the changes of names are there. */
  readonly names: (changes: number) => number
  /** @param isLast - the change is the last one of all */
  readonly fate: (change: Change, isLast: boolean) => Fate
}

/** Files by name. */
export type Files = ReadonlyMap<string, Buffer>

/** A folder whose power may fail. */
export class CrashDisk {
  readonly #safe = new Map<string, Content>()
  readonly #names = new Map<string, Content>()
  #unsafe: (readonly Naming[])[] = []
  #last: Change | undefined

  constructor(files: Files) {
    for (const [file, bytes] of files) {
      const content = { safe: bytes, unsafe: [] }
      this.#safe.set(file, content)
      this.#names.set(file, content)
    }
  }

  /** Bytes of the change just made, when it was a write: it may be torn. */
  get torn(): number {
    return this.#last?.kind === 'write' ? this.#last.bytes.length : 0
  }

  /** Whether anything is not safe. */
  get isAtRest(): boolean {
    if (this.#unsafe.length > 0) return false
    return [...this.#names.values()].every(({ unsafe }) => unsafe.length === 0)
  }

  /** Makes a change. */
  make(op: Op): void {
    this.#last = undefined
    if (op.kind === 'say') return
    if (op.kind === 'write' || op.kind === 'truncate') {
      this.#last = op
      this.#content(op.file).unsafe.push(op)
    } else if (op.kind === 'sync') {
      const content = this.#content(op.file)
      content.safe = apply(content, () => 'kept')
      content.unsafe = []
    } else if (op.kind === 'sync-folder') {
      for (const naming of this.#unsafe.flat()) nameIn(this.#safe, naming)
      this.#unsafe = []
    } else {
      const change = this.#naming(op)
      this.#unsafe.push(change)
      for (const naming of change) nameIn(this.#names, naming)
    }
  }

  #naming(op: Exclude<Op, Change | Silent>): readonly Naming[] {
    const { file } = op
    if (op.kind === 'create') return [{ file, content: { safe: Buffer.alloc(0), unsafe: [] } }]
    if (op.kind === 'remove') return [{ file, content: undefined }]
    const named = { file, content: this.#content(op.from) }
    return op.kind === 'link' ? [named] : [named, { file: op.from, content: undefined }]
  }

  #content(file: string): Content {
    const content = this.#names.get(file)
    if (content === undefined) throw new Error(`the trace changes ${file}, which nothing made`)
    return content
  }

  /** The files as they are found, when the power fails now. */
  found({ names, fate }: Choice, isWanted: (file: string) => boolean): Files {
    const found = new Map(this.#safe)
    const kept = this.#unsafe.slice(0, names(this.#unsafe.length))
    for (const naming of kept.flat()) nameIn(found, naming)
    const fateOf = (change: Change): Fate => fate(change, change === this.#last)
    return new Map(
      [...found]
        .filter(([file]) => isWanted(file))
        .map(([file, content]) => [file, apply(content, fateOf)]),
    )
  }
}

const nameIn = (names: Map<string, Content>, { file, content }: Naming): void => {
  if (content === undefined) names.delete(file)
  else names.set(file, content)
}

/** Bytes that nobody wrote are zeros, as in a file that was made longer. */
const apply = ({ safe, unsafe }: Content, fateOf: (change: Change) => Fate): Buffer => {
  if (unsafe.length === 0) return safe
  const ends = unsafe.map((change) =>
    change.kind === 'write' ? change.offset + change.bytes.length : change.size,
  )
  const bytes = Buffer.alloc(Math.max(safe.length, ...ends))
  safe.copy(bytes)
  let length = safe.length
  for (const change of unsafe) {
    const fate = fateOf(change)
    if (fate === 'lost') continue
    if (change.kind === 'truncate') {
      if (change.size < length) bytes.fill(0, change.size, length)
      length = change.size
      continue
    }
    const taken = fate === 'kept' ? change.bytes.length : fate === 'length' ? 0 : fate
    change.bytes.copy(bytes, change.offset, 0, taken)
    const reaches = fate === 'length' ? change.bytes.length : taken
    length = Math.max(length, change.offset + reaches)
  }
  return bytes.subarray(0, length)
}
