/**
 * Meaning: which of the names of a prompt a request is about. A request that says whom means whom
 * it says: after `Bob wrote. Send it to Alice` nothing is sent to Bob unasked.
 *
 * 1. What stands in the clause of a request is meant by it.
 * 2. What stands elsewhere is meant where no clause that asks for the tool has a *rival*: another
 *    value of its kind. Kinds are names, e-mail addresses, accounts, places (links, files, hosts)
 *    and ids.
 * 3. A clause with a pronoun for persons has no rivals: `invite her to Slack`.
 *
 * It only narrows what is named. The trap: of two names in a prompt, content chooses one.
 */
import type { JsonValue } from '@ice/primitives'
import { FUNCTION_WORDS, MONTHS, REFERRING_WORDS, WEEKDAYS } from './lexicon.ts'
import { mentionForm } from './mentions.ts'
import { isCalled, isNamed } from './naming.ts'
import { type ReadPrompt, readPrompt } from './prompt.ts'
import type { Request } from './requests.ts'
import type { Room } from './room.ts'
import type { Parameter, ReadTool } from './tools.ts'

/** The clauses that ask for a tool, as texts of their own. */
export interface Clauses {
  /** All of them: what stands here is meant. */
  readonly all: ReadPrompt
  /** Those without a pronoun for persons: what stands here is the rival of what does not. */
  readonly ruling: ReadPrompt
}

/** The clauses that ask for a tool, read when a call first needs them. */
export function clausesFor({ asked, prompt }: Room, { name }: ReadTool): () => Clauses {
  const requests = asked.get(name)?.requests ?? []
  let clauses: Clauses | undefined
  return () => {
    clauses ??= {
      all: joined(prompt, requests),
      ruling: joined(
        prompt,
        requests.filter(({ words }) => [...words].every((word) => !REFERRING_WORDS.has(word))),
      ),
    }
    return clauses
  }
}

/** Blank lines between them: no name, no quotation and no sentence goes on from one to the next. */
function joined({ text }: ReadPrompt, requests: readonly Request[]): ReadPrompt {
  return readPrompt(requests.map(({ span }) => text.slice(span.start, span.end)).join('\n\n'))
}

/** Whether requests with these clauses mean a value that the prompt names. Total over JSON. */
export function isMeant(clauses: Clauses, value: JsonValue, parameter: Parameter): boolean {
  if (parameter.role !== 'target' || parameter.isChoice) return true
  const { all, ruling } = clauses
  const rivals = new Map<Kind, boolean>()
  const isOf = (item: JsonValue): boolean => {
    if (Array.isArray(item)) return item.every(isOf)
    if (isNamed(all, item, parameter)) return true
    const kind = kindOf(item)
    const hasOne = rivals.get(kind) ?? hasRival(ruling, kind, parameter)
    rivals.set(kind, hasOne)
    return !hasOne
  }
  return isOf(value)
}

type Kind = 'name' | 'mail' | 'account' | 'place' | 'id'

function hasRival(clause: ReadPrompt, kind: Kind, parameter: Parameter): boolean {
  if (kind === 'id') {
    const id = { ...parameter, isId: true }
    return clause.numbers.some((number) => isCalled(clause, number, id))
  }
  if ([...clause.mentions].some((form) => kindOfForm(form) === kind)) return true
  return kind === 'name' && hasName(clause, parameter)
}

function kindOf(value: JsonValue): Kind {
  if (typeof value === 'number') return 'id'
  if (typeof value !== 'string') return 'name'
  const form = mentionForm(value)
  if (form !== undefined) return kindOfForm(form)
  return /[^\d.,:]/.test(value) ? 'name' : 'id'
}

function kindOfForm(form: string): Kind {
  if (/^[@#]/.test(form)) return 'name'
  if (form.includes('@')) return 'mail'
  return /^\+?[\p{L}\p{N}]+$/u.test(form) ? 'account' : 'place'
}

/** A quotation that is no address, a word in capitals, or what a thing of this kind is called. */
function hasName(clause: ReadPrompt, parameter: Parameter): boolean {
  const { quotes, words } = clause
  if (quotes.some(({ text }) => mentionForm(text) === undefined)) return true
  return words.some((word) => {
    const { lower, opensSentence, text } = word
    if (FUNCTION_WORDS.has(lower) || CALENDAR.has(lower)) return false
    return (!opensSentence && /^\p{Lu}/u.test(text)) || isCalled(clause, word, parameter)
  })
}

/** Capitals that English gives to times. */
const CALENDAR: ReadonlySet<string> = new Set([...MONTHS, ...WEEKDAYS])
