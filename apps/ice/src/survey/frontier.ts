/**
 * What the survey has seen and not yet looked at: directories to list, files to read.
 *
 * Depth first: what was found last is looked at first, so what waits is bounded by the depth of
 * the folder and not by its size. A path is kept as its last name and the directory it lies in.
 */

import { PAGE_ENTRIES_MAX, PAGE_ENTRIES_MIN, PENDING_ENTRIES_MAX } from './limits.ts'

/** A directory, by its place; the folder itself has no name. */
export interface Place {
  readonly parent: Place | null
  readonly name: string
}

/** The next page of a directory. */
export interface PendingPage {
  readonly place: Place
  /** 1-based. */
  readonly page: number
  /** The last name of the page before. */
  readonly after: string | undefined
}

/** A file to read, and why. */
export interface PendingFile {
  readonly place: Place
  readonly reason: string
}

/** The folder itself. */
export const FOLDER: Place = { parent: null, name: '' }

/** The path of a place, relative to the folder; `.` is the folder. */
export function pathOf(place: Place): string {
  const names: string[] = []
  for (let at: Place | null = place; at !== null && at.parent !== null; at = at.parent) {
    names.push(at.name)
  }
  return names.length === 0 ? '.' : names.reverse().join('/')
}

/** Pages and files that wait. */
export class Frontier {
  readonly #pages: PendingPage[] = [{ place: FOLDER, page: 1, after: undefined }]
  /** First in, first out; `#head` is the next one. */
  #files: PendingFile[] = []
  #head = 0

  get isEmpty(): boolean {
    return this.#pages.length === 0 && this.files === 0
  }

  /** How many files wait. */
  get files(): number {
    return this.#files.length - this.#head
  }

  /** How many entries a page may have now. */
  get pageEntries(): number {
    const room = PENDING_ENTRIES_MAX - this.files - this.#pages.length
    return Math.min(PAGE_ENTRIES_MAX, Math.max(PAGE_ENTRIES_MIN, room))
  }

  /** The pages to list next, the one found last first. */
  takePages(count: number): readonly PendingPage[] {
    return this.#pages.splice(Math.max(0, this.#pages.length - count)).reverse()
  }

  /** The files to read next, in the order they were found. */
  takeFiles(count: number): readonly PendingFile[] {
    const taken = this.#files.slice(this.#head, this.#head + count)
    this.#head += taken.length
    if (this.#head === this.#files.length || this.#head > PENDING_ENTRIES_MAX) {
      this.#files = this.#files.slice(this.#head)
      this.#head = 0
    }
    return taken
  }

  addFile(file: PendingFile): void {
    this.#files.push(file)
  }

  /** Adds pages so that the first one given is taken first. */
  addPages(pages: readonly PendingPage[]): void {
    for (let at = pages.length - 1; at >= 0; at -= 1) {
      const page = pages[at]
      if (page !== undefined) this.#pages.push(page)
    }
  }
}
