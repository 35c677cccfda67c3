/** Snapshot stores that each break one requirement; without a flaw, one that keeps them all. */
import { checkSnapshot, checkSnapshotKey, closedError } from '../../src/projections/checks.ts'
import type { Snapshot, SnapshotKey, SnapshotStore } from '../../src/projections/ports.ts'

export const SNAPSHOT_FLAWS = {
  'refuses-to-drop-nothing': 'PRJ-R10',
  'keeps-ascii-only': 'PRJ-R10',
  'cuts-after-a-megabyte': 'PRJ-R10',
  'orders-places-as-text': 'PRJ-R10',
  'lists-as-put': 'PRJ-R10',
  'ignores-the-source': 'PRJ-R10',
  'ignores-the-version': 'PRJ-R10',
  'keeps-the-first': 'PRJ-R10',
  'drops-all-for-one': 'PRJ-R10',
  'drops-one-of-all': 'PRJ-R10',
  'copies-late': 'PRJ-R10',
  'checks-nothing': 'PRJ-R14',
  'forgets-when-closed': 'PRJ-R10',
  'caches-what-it-read': 'PRJ-R10',
  'works-when-closed': 'PRJ-R14',
} as const

export type SnapshotFlaw = keyof typeof SNAPSHOT_FLAWS

/** What connections share. */
export type SnapshotTable = Map<string, Snapshot>

export class FlawedSnapshots implements SnapshotStore {
  readonly supports = { durable: true, sharedByProcesses: true }
  readonly table: SnapshotTable
  readonly #flaw: SnapshotFlaw | undefined
  readonly #cache = new Map<string, Snapshot | undefined>()
  #isClosed = false

  constructor(table: SnapshotTable, flaw: SnapshotFlaw | undefined) {
    this.table = table
    this.#flaw = flaw
  }

  #is(flaw: SnapshotFlaw): boolean {
    return this.#flaw === flaw
  }

  #check(key: SnapshotKey): void {
    if (this.#isClosed && !this.#is('works-when-closed')) throw closedError()
    if (!this.#is('checks-nothing')) checkSnapshotKey(key)
  }

  #of(key: SnapshotKey): Snapshot[] {
    return [...this.table.values()].filter(
      ({ projection, version, source }) =>
        projection === key.projection &&
        (version === key.version || this.#is('ignores-the-version')) &&
        (source === key.source || this.#is('ignores-the-source')),
    )
  }

  async put(snapshot: Snapshot): Promise<void> {
    this.#check(snapshot)
    if (!this.#is('checks-nothing')) checkSnapshot(snapshot)
    if (this.#is('copies-late')) await Promise.resolve()
    const { projection, version, source, at } = snapshot
    const place = JSON.stringify([projection, version, source, at])
    if (this.#is('keeps-the-first') && this.table.has(place)) return
    let { bytes } = snapshot
    if (this.#is('keeps-ascii-only')) bytes = bytes.replaceAll(/[^\0-\x7f]/gu, '?')
    if (this.#is('cuts-after-a-megabyte')) bytes = bytes.slice(0, 1_048_576)
    this.table.set(place, { ...snapshot, bytes })
  }

  async latest(key: SnapshotKey, atMost: number): Promise<Snapshot | undefined> {
    this.#check(key)
    const asked = JSON.stringify([key, atMost])
    if (this.#is('caches-what-it-read') && this.#cache.get(asked) !== undefined) {
      return this.#cache.get(asked)
    }
    const fitting = this.#of(key).filter(({ at }) => at <= atMost)
    const sorted = this.#is('orders-places-as-text')
      ? fitting.toSorted((a, b) => (`${a.at}` < `${b.at}` ? -1 : 1))
      : fitting.toSorted((a, b) => a.at - b.at)
    this.#cache.set(asked, sorted.at(-1))
    return sorted.at(-1)
  }

  async list(key: SnapshotKey): Promise<readonly number[]> {
    this.#check(key)
    const ats = this.#of(key).map(({ at }) => at)
    return this.#is('lists-as-put') ? ats : ats.toSorted((a, b) => a - b)
  }

  async drop(key: SnapshotKey, at?: number): Promise<void> {
    this.#check(key)
    const dropped = this.#of(key).filter(
      (each) => at === undefined || each.at === at || this.#is('drops-all-for-one'),
    )
    if (dropped.length === 0 && this.#is('refuses-to-drop-nothing')) throw new TypeError('none')
    const all = this.#is('drops-one-of-all') ? dropped.slice(0, 1) : dropped
    for (const { projection, version, source, at: place } of all) {
      this.table.delete(JSON.stringify([projection, version, source, place]))
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#is('forgets-when-closed')) this.table.clear()
  }
}
