/**
 * Requests of a prompt: verbs that ask for an act, each with the words that belong to it.
 *
 * 1. Only a base form at the head of a clause asks: `send`, `and update`, `make sure to adjust`,
 *    `can you pay`. `They sent`, `my payment`, `the update` and `how to send` ask for nothing.
 * 2. What is denied is not asked for: `do not delete`. Nor is what somebody else is to do:
 *    `remind Bob to pay`. Who is to `tell me` something is asked for an answer.
 * 3. What stands in quotation marks is a name or a text, and asks for nothing.
 *
 * What it misses is asked of the person, so each of these rules leans towards missing.
 */
import {
  ACT_VERBS,
  ANSWERED_VERBS,
  ASKERS,
  DELEGATING,
  DETERMINERS,
  IDLE_OBJECTS,
  INQUIRIES,
  JOINING_WORDS,
  MODALS,
  NEGATIONS,
  NOT_ASKING,
  OMISSIONS,
  PARTICLES,
  REQUEST_HEADS,
  SUBORDINATING,
} from './lexicon.ts'
import { type Span, singular, type Word } from './words.ts'

/** One act that is asked for. */
export interface Request {
  /** As in the lists: `send`, `set_up`. */
  readonly verb: string
  /** The groups of the verb. */
  readonly groups: readonly string[]
  /** The verb without its particle: `email` is also the noun of what is sent. */
  readonly head: string
  /** The words behind it, singular, up to the next request or the end of the sentence. */
  readonly words: ReadonlySet<string>
  /** Where it stands, with these words and what is quoted among them. */
  readonly span: Span
}

/** The requests of a text, by its words. */
export function requestsOf(text: string, words: readonly Word[]): readonly Request[] {
  const inquiries = inquiriesOf(text, words)
  const heads = words.flatMap((_, at) => {
    const found = verbAt(words, at)
    if (found === undefined || !isAsked(words, at)) return []
    return inquiries[at] === true && !isPlea(words, at) ? [] : [{ at, ...found }]
  })
  return heads.flatMap(({ at, head, verb }, index) => {
    const to = heads[index + 1]?.at ?? words.length
    const groups = ACT_VERBS.get(verb) ?? []
    // What asks for an answer asks for no act, and ends what belongs to the request before it.
    if (wantsAnswer(words, at, verb)) return []
    const end = endOfClause(words, at + 1, to)
    const clause = new Set(words.slice(at + 1, end).map(({ lower }) => singular(lower)))
    const span = { start: words[at]?.start ?? 0, end: words[end]?.start ?? text.length }
    return [{ verb, groups, head, words: clause, span }]
  })
}

/** A verb at the head of a request. */
interface Head {
  readonly verb: string
  /** Without its particle, in its base form. */
  readonly head: string
}

/** The verb of an act that begins here: with its particle, which may stand after its object. */
function verbAt(words: readonly Word[], at: number): Head | undefined {
  const lower = words[at]?.lower ?? ''
  const bases = isMinded(words, at) ? basesOfGerund(lower) : [lower]
  for (const head of bases) {
    const verb = phrasalAt(words, at, head) ?? (ACT_VERBS.has(head) ? head : undefined)
    const isIdle = verb === head && IDLE_OBJECTS.has(words[at + 1]?.lower ?? '')
    if (verb !== undefined && !isIdle) return { verb, head }
  }
  return undefined
}

/** `set … up`: the object is short. Whoever is let know may be several: `let Mia and Bob know`. */
function phrasalAt(words: readonly Word[], at: number, head: string): string | undefined {
  const isLet = head === 'let'
  for (let next = at + 1; next <= at + (isLet ? LET_KNOW_WORDS : PHRASAL_WORDS); next += 1) {
    const word = words[next]
    if (word === undefined || word.opensClause) break
    if (isLet && SUBORDINATING.has(word.lower)) break
    const phrase = `${head}_${word.lower}`
    if (PARTICLES.has(word.lower) && ACT_VERBS.has(phrase)) return phrase
  }
  return undefined
}

const PHRASAL_WORDS = 3
const LET_KNOW_WORDS = 6

/** `Would you mind deleting …`: the one gerund that asks. */
function isMinded(words: readonly Word[], at: number): boolean {
  const [opener, you, mind] = words.slice(Math.max(0, at - 3), at)
  if (mind?.lower !== 'mind' || you?.lower !== 'you' || opener?.opensClause !== true) return false
  const isApart = [you, mind, words[at]].some((word) => word?.opensClause === true)
  return !isApart && (MODALS.has(opener.lower) || opener.lower === 'do')
}

/** `sending`, `deleting`, `cancelling`: what a verb may be without its ending. */
function basesOfGerund(word: string): readonly string[] {
  if (!word.endsWith('ing')) return []
  const stem = word.slice(0, -3)
  const isDoubled = stem.length > 2 && stem.at(-1) === stem.at(-2)
  return [stem, `${stem}e`, ...(isDoubled ? [stem.slice(0, -1)] : [])]
}

/** `Tell me …`; `tell me and Bob` tells Bob. */
function wantsAnswer(words: readonly Word[], at: number, verb: string): boolean {
  const [asker, next] = words.slice(at + 1, at + 3)
  const isAsker = asker !== undefined && ASKERS.has(asker.lower)
  const goesOn = next?.opensClause === false && JOINING_WORDS.has(next.lower)
  return ANSWERED_VERBS.has(verb) && isAsker && !goesOn
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
  if (isMinded(words, at)) return true
  return before === 'please' || (before === 'you' && MODALS.has(above))
}

function isAsked(words: readonly Word[], at: number): boolean {
  let before = at - 1
  // `quickly send`
  if (/^.{2,}ly$/.test(words[before]?.lower ?? '') && words[at]?.opensClause !== true) before -= 1
  const first = words[before + 1]
  if (first === undefined || isDenied(words, before)) return false
  if (first.opensClause || before < 0 || isMinded(words, at)) return true
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

function endOfClause(words: readonly Word[], from: number, to: number): number {
  let at = from
  while (at < to && words[at]?.opensSentence === false) at += 1
  return at
}
