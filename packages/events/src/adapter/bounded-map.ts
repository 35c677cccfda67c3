/**
 * A map of bounded size, in two generations: what is used moves to the young one, and when that is
 * full the old one is dropped. This costs a lookup what a map costs, where a list kept in the order
 * of use would cost two writes.
 */

/** A map that forgets what was not used lately. */
export class BoundedMap<K, V> {
  readonly #generationMax: number
  readonly #beforeDrop: () => void
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /**
   * @param max - entries it holds at the most
   * @param beforeDrop - told before entries are forgotten for want of room
   */
  constructor(max: number, beforeDrop: () => void = () => {}) {
    this.#generationMax = Math.ceil(max / 2)
    this.#beforeDrop = beforeDrop
  }

  /** Entries there are. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** The value of a key, which counts as a use; `undefined` when it is not there, or no more. */
  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old === undefined) return undefined
    this.#old.delete(key)
    this.set(key, old)
    return old
  }

  /** Sets a value, which counts as a use. */
  set(key: K, value: V): void {
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#beforeDrop()
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
    this.#old.delete(key)
  }

  /** Forgets one entry. */
  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  /** Forgets all entries; nobody is told. */
  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
