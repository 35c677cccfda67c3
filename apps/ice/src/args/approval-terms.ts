/** The terms of an approval, as options of a grant: who may approve, until when, who else later. */
import type { ApprovalTerms, Caveat } from '@ice/capabilities/ports'
import { hasCode, isPrincipalId } from '@ice/primitives'
import { parseSpan } from './duration.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Terms as far as they have been read. */
export type TermsDraft = Mutable<ApprovalTerms>

type ReadTerm = (terms: TermsDraft, value: string) => string | undefined

/** How each option is read. @returns why it cannot be */
export const TERM_OPTIONS: ReadonlyMap<string, ReadTerm> = new Map<string, ReadTerm>([
  [
    'approvers',
    (terms, value) => readPeople(value, (people) => Object.assign(terms, { by: people })),
  ],
  [
    'approval-timeout',
    (terms, value) => readMs(value, (ms) => Object.assign(terms, { timeoutMs: ms })),
  ],
  [
    'escalate-after',
    (terms, value) => readMs(value, (ms) => Object.assign(terms, { escalateAfterMs: ms })),
  ],
  [
    'escalate-to',
    (terms, value) => readPeople(value, (people) => Object.assign(terms, { escalateTo: people })),
  ],
])

function readPeople(text: string, take: (people: readonly string[]) => void): string | undefined {
  const people = text.split(',')
  const odd = people.find((each) => !isPrincipalId(each))
  if (odd !== undefined) return `"${odd}" is no principal; one reads os:alice`
  if (new Set(people).size < people.length) return 'a principal stands in it twice'
  take(people)
  return undefined
}

function readMs(text: string, take: (ms: number) => void): string | undefined {
  try {
    take(parseSpan(text, 'it'))
    return undefined
  } catch (error) {
    if (!hasCode(error, 'ICE_CLI_USAGE_UNSUPPORTED')) throw error
    return `"${text}" is no span of time: write 90s, 10m, 2h or 7d`
  }
}

/** Caveats with the terms their approvals are under, or why there is nothing they could be of. */
export function underTerms(
  caveats: readonly Caveat[],
  terms: ApprovalTerms,
): readonly Caveat[] | string {
  if (Object.keys(terms).length === 0) return caveats
  const asks = ({ kind }: Caveat): boolean => kind === 'approval' || kind === 'approval-for'
  if (!caveats.some(asks)) return 'it names terms of an approval, and asks for none'
  return caveats.map((caveat) => (asks(caveat) ? ({ ...caveat, ...terms } as Caveat) : caveat))
}
