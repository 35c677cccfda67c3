/**
 * One connection: statements go in, rows come out, and it is either good or lost for ever.
 *
 * 1. Statements of one exchange travel together (`pipeline`): one round trip, whatever their
 *    number. Each has its own answer; one that fails does not keep the next from being tried.
 * 2. Nothing waits without end: the server bounds its work and its locks, and a connection that
 *    stays silent for longer than that is destroyed here. So a network that swallows packets ends
 *    as a connection that is lost.
 * 3. A session that was lost once is never used again; its statements may or may not have run.
 */
import type { Duplex } from 'node:stream'
import pg from 'pg'
import { isFatal, SessionLost, sqlState } from './failure.ts'
import { ANSWER_GRACE_MS, GOODBYE_MS, KEEP_ALIVE_MS } from './limits.ts'
import type { Target } from './target.ts'

/** A statement; a named one is prepared once for each connection. */
export interface Statement {
  readonly name?: string
  readonly text: string
}

/** A statement with its values. */
export interface Call {
  readonly statement: Statement
  readonly values?: readonly unknown[]
}

/** What a statement gave. */
export interface Answer {
  /** What was done, as the server says it: `SELECT`, `COMMIT`, `ROLLBACK`. */
  readonly command: string
  readonly rows: readonly (readonly unknown[])[]
}

/** What became of each statement of an exchange. */
export type Answers = readonly PromiseSettledResult<Answer>[]

/** How a session behaves. */
export interface SessionOptions {
  readonly connectTimeoutMs: number
  /** How long the server may work on one statement, and wait for a lock in it. @units ms */
  readonly answerMs: number
  /** Statements that make the session what it is to be. */
  readonly settings: string
}

const INT8 = 20

/** Positions and versions are safe integers: the tables have no others. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    (oid as number) === INT8 ? Number : pg.types.getTypeParser(oid, format),
}

/** One connection to the server. */
export class Session {
  readonly #client: pg.Client
  readonly #answerMs: number
  #lost: SessionLost | undefined
  #working = 0
  #keepsAlive = false

  private constructor(client: pg.Client, answerMs: number) {
    this.#client = client
    this.#answerMs = answerMs
    client.on('error', (error) => this.#lose(error))
    client.on('end', () => this.#lose(new SessionLost('the connection was closed')))
  }

  /** Connects. @throws {SessionLost} or what the server reports */
  static async connect(target: Target, options: SessionOptions): Promise<Session> {
    const client = new pg.Client({
      ...target.config,
      types,
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      connectionTimeoutMillis: options.connectTimeoutMs,
    } as pg.ClientConfig)
    const session = new Session(client, options.answerMs)
    try {
      await client.connect()
      await session.run({ text: options.settings })
      return session
    } catch (error) {
      session.destroy()
      throw sqlState(error) === undefined ? lostBy(error) : error
    }
  }

  get isLost(): boolean {
    return this.#lost !== undefined
  }

  /** Calls `heard` for each notification of a channel. */
  onNotification(heard: () => void): void {
    this.#client.on('notification', heard)
  }

  /** Calls `lost` when the session is lost, for whatever reason. */
  onLost(lost: () => void): void {
    this.#client.on('end', lost)
    this.#client.on('error', lost)
  }

  /** Whether the connection alone keeps the process alive; otherwise only its work does. */
  keepAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    this.#hold()
  }

  /** Runs one statement. @throws what the server reports, or {SessionLost} */
  async run(
    statement: Statement,
    values?: readonly unknown[],
    answerMs?: number,
  ): Promise<Answer['rows']> {
    const [answer] = await this.exchange([{ statement, ...(values && { values }) }], answerMs)
    return rowsOf(answer)
  }

  /** Sends all statements at once and waits for all answers. Never rejects. */
  async exchange(calls: readonly Call[], answerMs: number = this.#answerMs): Promise<Answers> {
    const lost = this.#lost
    if (lost !== undefined) return calls.map(() => ({ status: 'rejected', reason: lost }))
    this.#working += 1
    this.#hold()
    const timer = setTimeout(
      () => this.destroy('the server did not answer in time'),
      answerMs + ANSWER_GRACE_MS,
    )
    try {
      // Corked, all of them go to the network in one piece.
      const stream = streamOf(this.#client)
      stream.cork()
      const sent = calls.map((call) => this.#send(call))
      stream.uncork()
      return await Promise.allSettled(sent)
    } finally {
      clearTimeout(timer)
      this.#working -= 1
      this.#hold()
    }
  }

  async #send({ statement: { name, text }, values }: Call): Promise<Answer> {
    try {
      const result = await this.#client.query({
        text,
        rowMode: 'array',
        ...(name === undefined ? {} : { name }),
        ...(values === undefined ? {} : { values: [...values] }),
      })
      return { command: result.command, rows: result.rows }
    } catch (error) {
      if (sqlState(error) !== undefined && !isFatal(error)) throw error
      this.#lose(error)
      throw lostBy(error)
    }
  }

  #hold(): void {
    if (this.#lost !== undefined) return
    if (this.#working > 0 || this.#keepsAlive) holderOf(this.#client).ref()
    else holderOf(this.#client).unref()
  }

  #lose(error: unknown): void {
    this.#lost ??= lostBy(error)
  }

  /** Says good-bye, and leaves without an answer when none comes. */
  async close(): Promise<void> {
    const wasLost = this.isLost
    this.#lose(new SessionLost('the connection was closed by this store'))
    if (wasLost) return
    holderOf(this.#client).ref()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GOODBYE_MS)
    })
    await Promise.race([this.#client.end().catch(() => undefined), late])
    clearTimeout(timer)
    this.destroy()
  }

  /** Drops the connection: what was under way fails. */
  destroy(why = 'the connection was given up'): void {
    this.#lose(new SessionLost(why))
    streamOf(this.#client).destroy()
  }
}

/** `pg` has no public way to drop a connection that does not answer, or to write in one piece. */
function streamOf(client: pg.Client): Duplex {
  return (client as unknown as { connection: { stream: Duplex } }).connection.stream
}

/** Its types do not name them. */
function holderOf(client: pg.Client): { ref(): void; unref(): void } {
  return client as unknown as { ref(): void; unref(): void }
}

function lostBy(error: unknown): SessionLost {
  if (error instanceof SessionLost) return error
  return new SessionLost(error instanceof Error ? error.message : String(error), error)
}

/** The rows of an answer. @throws what the statement failed with */
export function rowsOf(answer: PromiseSettledResult<Answer> | undefined): Answer['rows'] {
  if (answer?.status === 'fulfilled') return answer.value.rows
  throw answer?.reason
}
