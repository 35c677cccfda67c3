/** What a person was presented with: the question, who could answer, and what became of it. */
import type { Consent } from './effect.ts'
import { type EventNote, note } from './note.ts'

/** A question to a person. */
export interface ConsentNote {
  readonly asked: EventNote
  readonly prompt: string
  /** Of exactly the call, or the question, that was shown. */
  readonly digest: string
  /** What was shown of it, as it was recorded. */
  readonly shown: unknown
  /** Who could answer; `null`: anybody. */
  readonly approvers: readonly string[] | null
  readonly expiresAt: number | null
  /** Escalations, the lapse, and answers that did not count. */
  readonly later: readonly LaterNote[]
  readonly answered: EventNote | null
  readonly approved: boolean | null
  readonly comment: string | null
  /** The standing approval that was issued with the answer. */
  readonly standing: string | null
}

/** What became of a question beside its answer. */
export interface LaterNote extends EventNote {
  readonly to: readonly string[]
  readonly code: string | null
  readonly approved: boolean | null
}

/** A question, as data. */
export function consentNote({ request, answer, later }: Consent): ConsentNote {
  const { prompt, digest, details: shown, approvers = null, expiresAt } = request.data
  const said = answer?.data
  return {
    asked: note(request),
    ...{ prompt, digest, shown, approvers, expiresAt },
    later: later.map((event) => {
      const { to = [], code = null, approved = null } = event.data as Partial<LaterNote>
      return { ...note(event), to, code, approved }
    }),
    answered: answer === null ? null : note(answer),
    approved: answer === null ? null : (answer.type as string) === 'ApprovalGranted',
    comment: said?.comment ?? null,
    standing: said?.standing ?? null,
  }
}
