/**
 * What a store does unasked: it looks at what no opening has looked at before, and frees what a
 * crash has left of blobs.
 *
 * The newest events are looked at before the store is there; everything else waits until nobody
 * wants the connection.
 */
import { inBackground } from './background.ts'
import type { StoreBlobs } from './blobs.ts'
import { EventsSqliteError } from './errors.ts'
import { isBusy, isCorrupt } from './failure.ts'
import type { Handle } from './handle.ts'
import { CHECK_NOTE_EVENTS } from './limits.ts'
import { damagedAt, OpeningCheck, storedMark } from './opening-check.ts'

/** The upkeep of one store. */
export class Upkeep {
  readonly #handle: Handle
  readonly #blobs: StoreBlobs
  readonly #check: OpeningCheck | undefined
  #noted = 0
  #stop: () => void = () => {}

  /** @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_FILE_CORRUPT` */
  constructor(handle: Handle, blobs: StoreBlobs, openCheck: 'verify' | 'skip') {
    const { db, path } = handle.file
    this.#handle = handle
    this.#blobs = blobs
    if (openCheck === 'verify') {
      this.#check = new OpeningCheck(db, path)
      this.#check.newest()
      this.#noted = this.#check.position
    }
    this.#stop = inBackground({ slice: () => this.#slice(), activity: () => handle.activity })
  }

  /** Position up to which everything was looked at. */
  get checked(): number {
    return this.#check?.position ?? storedMark(this.#handle.file.db).size
  }

  async #slice(): Promise<boolean> {
    if (this.#check?.isDone === false) return this.#checkSome(this.#check)
    try {
      return await this.#blobs.tidy()
    } catch {
      // A lock that is held, a full disk, a store that closes: the next opening, or the next
      // collection, frees it.
      return false
    }
  }

  #checkSome(check: OpeningCheck): boolean {
    try {
      check.slice()
      if (check.position - this.#noted >= CHECK_NOTE_EVENTS) this.#note(check)
      return true
    } catch (error) {
      if (isBusy(error)) return true
      const { path } = this.#handle.file
      if (error instanceof EventsSqliteError) this.#handle.giveUp(error)
      else if (isCorrupt(error)) {
        this.#handle.giveUp(damagedAt(path, check.position + 1, 'it cannot be read', error))
      }
      // A disk that cannot be read now is told to whoever reads; the next opening begins here.
      return false
    }
  }

  /** The mark is worth a transaction and no waiting. */
  #note(check: OpeningCheck): void {
    this.#noted = check.position
    this.#quietly(() => check.note())
  }

  /** Ends it: notes how far it has come, and hides what was being staged. */
  end(): void {
    this.#stop()
    if (this.#handle.isLost) return
    const check = this.#check
    const isNoting = check?.isWorthNoting === true
    if (!isNoting && !this.#blobs.isStaging) return
    this.#quietly(() => {
      if (isNoting) check.note()
      this.#blobs.giveUp()
    })
  }

  /** What is done here can be done by any later opening. */
  #quietly(work: () => void): void {
    try {
      this.#handle.transact(work)
    } catch {
      return
    }
  }
}
