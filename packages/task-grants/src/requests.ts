/**
 * Requests of a prompt: verbs that ask for an act, each with the words that belong to it.
 *
 * 1. Only a base form at the head of a clause asks: `send`, `and update`, `make sure to adjust`,
 *    `can you pay`. `They sent`, `my payment`, `the update` and `how to send` ask for nothing.
 * 2. What is denied is not asked for: `do not delete`. Nor is what somebody else is to do:
 *    `remind Bob to pay`.
 * 3. What stands in quotation marks is a name or a text, and asks for nothing.
 *
 * What it misses is asked of the person, so each of these rules leans towards missing.
 */
import {
  ACT_VERBS,
  DELEGATING,
  DETERMINERS,
  IDLE_OBJECTS,
  INQUIRIES,
  MODALS,
  NEGATIONS,
  NOT_ASKING,
  OMISSIONS,
  PARTICLES,
  REQUEST_HEADS,
} from './lexicon.ts'
import { singular, type Word } from './words.ts'

/** One act that is asked for. */
export interface Request {
  /** As in the lists: `send`, `set_up`. */
  readonly verb: string
  /** The groups of the verb. */
  readonly groups: readonly string[]
  /** The verb as it stands there: `email` is also the noun of what is sent. */
  readonly head: string
  /** The words behind it, singular, up to the next request or the end of the sentence. */
  readonly words: ReadonlySet<string>
}

/** The requests of a text, by its words. */
export function requestsOf(text: string, words: readonly Word[]): readonly Request[] {
  const inquiries = inquiriesOf(text, words)
  const heads = words.flatMap((_, at) => {
    const verb = verbAt(words, at)
    if (verb === undefined || !isAsked(words, at)) return []
    return inquiries[at] === true && !isPlea(words, at) ? [] : [{ at, verb }]
  })
  return heads.map(({ at, verb }, index) => ({
    verb,
    groups: ACT_VERBS.get(verb) ?? [],
    head: words[at]?.lower ?? '',
    words: clauseOf(words, at + 1, heads[index + 1]?.at ?? words.length),
  }))
}

/** The verb of an act that begins here: with its particle, which may stand after its object. */
function verbAt(words: readonly Word[], at: number): string | undefined {
  const lower = words[at]?.lower ?? ''
  for (let next = at + 1; next <= at + 3; next += 1) {
    const word = words[next]
    if (word === undefined || word.opensClause) break
    if (PARTICLES.has(word.lower) && ACT_VERBS.has(`${lower}_${word.lower}`)) {
      return `${lower}_${word.lower}`
    }
  }
  const isIdle = IDLE_OBJECTS.has(words[at + 1]?.lower ?? '')
  return ACT_VERBS.has(lower) && !isIdle ? lower : undefined
}

/** For each word, whether its sentence is a question that asks for an answer: `is it safe to …?` */
function inquiriesOf(text: string, words: readonly Word[]): readonly boolean[] {
  const marks: boolean[] = []
  for (let from = 0; from < words.length; ) {
    let to = from + 1
    while (to < words.length && words[to]?.opensSentence !== true) to += 1
    const behind = text.slice(words[to - 1]?.end, words[to]?.start)
    const isInquiry = behind.includes('?') && INQUIRIES.has(words[from]?.lower ?? '')
    for (; from < to; from += 1) marks.push(isInquiry)
  }
  return marks
}

/** What asks also within a question: `please send`, `can you send`. */
function isPlea(words: readonly Word[], at: number): boolean {
  const [above, before] = [words[at - 2]?.lower ?? '', words[at - 1]?.lower ?? '']
  return before === 'please' || (before === 'you' && MODALS.has(above))
}

function isAsked(words: readonly Word[], at: number): boolean {
  let before = at - 1
  // `quickly send`
  if (/^.{2,}ly$/.test(words[before]?.lower ?? '') && words[at]?.opensClause !== true) before -= 1
  const first = words[before + 1]
  if (first === undefined || isDenied(words, before)) return false
  if (first.opensClause || before < 0) return true
  const head = words[before]?.lower ?? ''
  const above = words[before]?.opensClause === true ? '' : (words[before - 1]?.lower ?? '')
  if (head === 'you') return MODALS.has(above)
  if (head === 'me' || head === 'us') return above === 'help' || above === 'let'
  if (MODALS.has(head)) return above === 'you'
  if (head === 'to') return isAskedAfterTo(words, before)
  return REQUEST_HEADS.has(head)
}

/** `sure to send` asks; `how to send`, `Bob wants to send` and `remind him to send` do not. */
function isAskedAfterTo(words: readonly Word[], to: number): boolean {
  if (words[to]?.opensClause === true) return true
  const before = words[to - 1]?.lower ?? ''
  if (before === 'you') return true
  if (NOT_ASKING.has(before)) return false
  // Whoever stands between such a verb and `to` is to do it; right before `to` it is one's own.
  for (let at = to - 1; at >= Math.max(0, to - 4); at -= 1) {
    const isApart = at < to - 1 || DETERMINERS.has(words[at - 1]?.lower ?? '')
    if (isApart && isDelegating(words[at]?.lower ?? '')) return false
    if (words[at]?.opensClause === true) break
  }
  return true
}

function isDelegating(word: string): boolean {
  const bases = [word, word.replace(/(?:ing|ed|s)$/, ''), word.replace(/(?:ing|ed|es)$/, 'e')]
  return bases.some((base) => DELEGATING.has(base))
}

/** Whether one of the words just before, in the same clause, denies what follows. */
function isDenied(words: readonly Word[], last: number): boolean {
  for (let at = last; at > last - 4 && at >= 0; at -= 1) {
    if (words[at + 1]?.opensClause === true) return false
    const isOmission = OMISSIONS.has(words[at + 1]?.lower ?? '')
    if (NEGATIONS.has(words[at]?.lower ?? '')) return !isOmission
  }
  return false
}

function clauseOf(words: readonly Word[], from: number, to: number): ReadonlySet<string> {
  const clause = new Set<string>()
  for (let at = from; at < to; at += 1) {
    const word = words[at]
    if (word === undefined || word.opensSentence) break
    clause.add(singular(word.lower))
  }
  return clause
}
