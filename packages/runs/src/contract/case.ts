/** Conformance cases as data, and what an implementor supplies. No runner is known here. */

/** What an implementor supplies; the kit never constructs a subject itself. */
export interface KitHarness<Subject> {
  /** Opens a subject with empty state of its own, each time anew. */
  open(): Promise<Subject>
  /** Closes, then opens the same state again. Left out: state does not outlive `close`. */
  reopen?(subject: Subject): Promise<Subject>
  /** A second subject over the same state. Left out: state has one user. */
  openSecond?(subject: Subject): Promise<Subject>
  /** Closes a subject, also one that is closed. */
  close(subject: Subject): Promise<void>
}

/** What a case works with. Everything it opens is closed after it. */
export interface Bench<Subject> {
  readonly subject: Subject
  reopen(): Promise<Subject>
  second(): Promise<Subject>
}

/** One conformance case: data plus `run`. */
export interface KitCase<Subject> {
  readonly id: string
  /** A sentence in the present tense. */
  readonly name: string
  readonly requirement: string
  /** Part of the harness without which the case does not apply; nothing else may skip one. */
  readonly needs?: 'reopen' | 'openSecond'
  /** Fulfilled when the subject conforms; rejected, by an assertion, when it does not. */
  run(bench: Bench<Subject>): Promise<void>
}

/** Runs one case. @returns `skipped` when the harness has not what it needs */
export async function runKitCase<Subject>(
  one: KitCase<Subject>,
  harness: KitHarness<Subject>,
): Promise<'passed' | 'skipped'> {
  if (one.needs !== undefined && harness[one.needs] === undefined) return 'skipped'
  const opened: Subject[] = []
  const keep = (subject: Subject): Subject => {
    opened.push(subject)
    return subject
  }
  try {
    const subject = keep(await harness.open())
    await one.run({
      subject,
      reopen: async () => keep((await harness.reopen?.(subject)) as Subject),
      second: async () => keep((await harness.openSecond?.(subject)) as Subject),
    })
    return 'passed'
  } finally {
    for (const subject of opened.reverse()) await harness.close(subject)
  }
}
