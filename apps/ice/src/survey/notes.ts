/** Notes of progress: written under a grant of their own, which may be taken away at any time. */

import { fs } from '@ice/effects'
import type { RunContext } from '@ice/runs/ports'

/** The name of the grant under which notes are written. */
export const NOTES = 'notes'

/** The file they are written to; each note replaces the one before. */
export const NOTES_FILE = 'progress.md'

/** Writes notes; one that is refused is counted, and the survey goes on. */
export class Notes {
  readonly #context: RunContext
  readonly #isOn: boolean
  written = 0
  refused = 0

  constructor(context: RunContext, isOn: boolean) {
    this.#context = context
    this.#isOn = isOn
  }

  async write(id: string, text: string): Promise<void> {
    if (!this.#isOn) return
    const content = `# Progress\n\n${text}\n`
    const request = fs.replace(NOTES, { path: NOTES_FILE, content })
    const { kind } = await this.#context.attempt(`note/${id}`, request)
    if (kind === 'succeeded') this.written += 1
    else this.refused += 1
  }
}
