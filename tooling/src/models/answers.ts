/** Which calls of a log are under way: a store on a server takes its own time to answer. */
import type { EventLog } from '@ice/events'

/** Counts calls, of however many logs, that are not answered. */
export class Answers {
  #waiting = 0

  /** Whether every call was answered. */
  get areThere(): boolean {
    return this.#waiting === 0
  }

  /** The same log, whose reads and appends are counted. */
  of(log: EventLog): EventLog {
    return {
      ...log,
      append: (request) => this.#answer(log.append(request)),
      read: (query) => this.#pages(log.read(query)),
      readAll: (query) => this.#pages(log.readAll(query)),
    }
  }

  async #answer<T>(call: Promise<T>): Promise<T> {
    this.#waiting += 1
    return call.finally(() => {
      this.#waiting -= 1
    })
  }

  async *#pages<T>(batches: AsyncIterable<T>): AsyncGenerator<T> {
    const pages = batches[Symbol.asyncIterator]()
    try {
      for (;;) {
        const page = await this.#answer(pages.next())
        if (page.done === true) return
        yield page.value
      }
    } finally {
      await pages.return?.()
    }
  }
}
