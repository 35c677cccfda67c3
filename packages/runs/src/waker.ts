/** Wakes one waiter; a wake-up that comes while nobody waits is kept for the next. */

/** Why a drive was woken: a completion or a stop (`here`), or something in the log (`news`). */
export type Wake = 'here' | 'news'

/** One waiter's alarm clock. */
export class Waker {
  #kept: Wake | null = null
  #waiting: ((why: Wake) => void) | null = null

  wake(why: Wake = 'here'): void {
    const waiting = this.#waiting
    if (waiting === null) {
      // News are not lost behind a completion: whoever is woken by one looks for both.
      this.#kept = this.#kept === 'news' ? 'news' : why
      return
    }
    this.#waiting = null
    waiting(why)
  }

  wait(): Promise<Wake> {
    const kept = this.#kept
    this.#kept = null
    if (kept !== null) return Promise.resolve(kept)
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }
}
