/**
 * Labels of arguments, and the caveats that hold them to something: `trusted` and `readers`.
 *
 * A request labels its arguments by JSON pointer, as coarsely or finely as it knows; `labelAt` says
 * what that comes to for a place.
 *
 * 1. Closed: no labels, malformed labels, or none at the whole and none above the pointer mean an
 *    unknown source, and nobody who may read.
 * 2. A pointer to nothing is trusted and for everyone: there is no value whose origin could matter.
 *    A pointer that is blocked on its way (by a text where a list was expected) speaks of what
 *    blocks it, because a handler may take the one for the other.
 * 3. Only grants with such a caveat look at labels at all.
 *
 * The trap: a caveat on `/to/0` says nothing about `/to/1`. Name the list, `/to`: its label is
 * that of all that it holds.
 */
import {
  findAt,
  isTrusted,
  type JsonObject,
  type Label,
  labelAt,
  mayRead,
  type PathLabel,
  readLabel,
  readLabels,
  readPointer,
  TRUSTED_LABEL,
  UNKNOWN_LABEL,
  writePointer,
} from '@ice/primitives'
import type { FoundCause } from './denial.ts'
import { CAPABILITIES_CODES } from './errors.ts'
import {
  LABEL_CAVEAT_PATHS_MAX,
  LABEL_CAVEAT_READERS_MAX,
  LABEL_CHARS_TOLD_MAX,
  LABEL_NAMES_TOLD_MAX,
  LABEL_PATHS_TOLD_MAX,
} from './limits.ts'
import { hasOnly, own } from './plain.ts'
import { clip, oneLine, shown } from './text.ts'

/** A caveat on labels, its pointers read. */
export type LabelRule =
  | { readonly kind: 'trusted'; readonly paths: readonly Path[] }
  | {
      readonly kind: 'readers'
      readonly paths: readonly Path[]
      readonly include: readonly string[]
    }

type Path = readonly string[]

/** Why a caveat of one of these kinds is not understood, or `undefined`. */
export function labelCaveatFault(caveat: Readonly<Record<string, unknown>>): string | undefined {
  const isReaders = own(caveat, 'kind') === 'readers'
  const members = isReaders ? ['kind', 'paths', 'include'] : ['kind', 'paths']
  if (!hasOnly(caveat, members) || !isPathList(own(caveat, 'paths'))) {
    const also = isReaders ? ', and includes readers' : ' and no other members'
    return (
      `a ${shown(own(caveat, 'kind'))} caveat has 1 to ${LABEL_CAVEAT_PATHS_MAX} JSON pointers ` +
      `as its paths${also}`
    )
  }
  if (!isReaders || isReaderList(own(caveat, 'include'))) return undefined
  return `a "readers" caveat includes 1 to ${LABEL_CAVEAT_READERS_MAX} readers by name`
}

function isPathList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false
  return value.length <= LABEL_CAVEAT_PATHS_MAX && !Array.from(value).some(isNoPointer)
}

function isNoPointer(path: unknown): boolean {
  return readPointer(path) === undefined
}

function isReaderList(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false
  if (value.length > LABEL_CAVEAT_READERS_MAX) return false
  return readLabel({ sources: [], readers: value }) !== undefined
}

/** The rule of a caveat in which `labelCaveatFault` found nothing. */
export function labelRule(caveat: Readonly<Record<string, unknown>>): LabelRule {
  const paths = (own(caveat, 'paths') as readonly string[]).map((path) => readPointer(path) ?? [])
  if (own(caveat, 'kind') === 'trusted') return { kind: 'trusted', paths }
  return { kind: 'readers', paths, include: own(caveat, 'include') as readonly string[] }
}

/** Arguments with what is known of where they came from. */
export interface Labelled {
  readonly given: unknown
  readonly labels: unknown
}

/** What stands against a call under these rules of one grant: at most one cause of each kind. */
export function labelCauses(
  grant: string,
  rules: readonly LabelRule[],
  asked: Labelled,
): readonly FoundCause[] {
  if (rules.length === 0) return []
  const seen = ownLook(asked)
  return [...untrusted(grant, rules, seen), ...exceeded(grant, rules, seen)]
}

/** What stands at a pointer: where it is told of, and its label. */
type Look = (path: Path) => { readonly at: string; readonly label: Label }

/** Looks at hostile arguments: what cannot be read is unknown. */
function ownLook(asked: Labelled): Look {
  let labels: readonly PathLabel[] | undefined
  return (path) => {
    try {
      labels ??= readLabels(asked.labels) ?? []
      const found = findAt(asked.given, path)
      const at = found.kind === 'blocked' ? path.slice(0, found.steps) : path
      const label = found.kind === 'nothing' ? TRUSTED_LABEL : labelAt(labels, at)
      return { at: writePointer(path), label }
    } catch {
      // Whatever a stranger's getter or proxy threw is not ours to show.
      return { at: writePointer(path), label: UNKNOWN_LABEL }
    }
  }
}

interface Told {
  readonly path: string
  readonly names: readonly string[]
}

function untrusted(grant: string, rules: readonly LabelRule[], look: Look): FoundCause[] {
  const told = new Map<string, Told>()
  for (const { kind, paths } of rules) {
    if (kind !== 'trusted') continue
    for (const path of paths) {
      const { at, label } = look(path)
      if (!isTrusted(label)) told.set(at, { path: at, names: label.sources })
    }
  }
  const [first] = told.values()
  if (first === undefined) return []
  const message =
    `The grant ${grant} wants ${placeOf(first.path)} to be trusted, and it comes from ` +
    `${briefList(first.names)}${others(told)}. A value without these sources would do, or a ` +
    'person who endorses them'
  return [{ code: CAPABILITIES_CODES.argumentUntrusted, message, data: data(grant, told, 'from') }]
}

function exceeded(grant: string, rules: readonly LabelRule[], look: Look): FoundCause[] {
  const told = new Map<string, Told>()
  for (const rule of rules) {
    if (rule.kind !== 'readers') continue
    for (const path of rule.paths) {
      const { at, label } = look(path)
      const shut = rule.include.filter((reader) => !mayRead(label, reader))
      const before = told.get(at)?.names ?? []
      const names = [...new Set([...before, ...shut])]
      if (names.length > 0) told.set(at, { path: at, names })
    }
  }
  const [first] = told.values()
  if (first === undefined) return []
  const message =
    `The grant ${grant} shows ${placeOf(first.path)} to ${briefList(first.names)}, who may not ` +
    `read it${others(told)}. A value that they may read would do, or a person who declassifies it`
  return [{ code: CAPABILITIES_CODES.readersExceeded, message, data: data(grant, told, 'to') }]
}

function placeOf(path: string): string {
  return path === '' ? 'all arguments' : shown(brief(path))
}

function others({ size }: ReadonlyMap<string, Told>): string {
  return size > 1 ? ` (and ${size - 1} more paths like it)` : ''
}

function data(grant: string, told: ReadonlyMap<string, Told>, name: 'from' | 'to'): JsonObject {
  const all = [...told.values()]
  const paths = all.slice(0, LABEL_PATHS_TOLD_MAX).map(({ path, names }) => ({
    path: brief(path),
    [name]: names.slice(0, LABEL_NAMES_TOLD_MAX).map(brief),
    ...moreThan(names.length, LABEL_NAMES_TOLD_MAX),
  }))
  return { grant, paths, ...moreThan(all.length, LABEL_PATHS_TOLD_MAX) }
}

function moreThan(count: number, told: number): JsonObject {
  return count > told ? { more: count - told } : {}
}

/** Six causes of one denial tell names that strangers chose, so each is short in bytes too. */
function brief(name: string): string {
  return clip(oneLine(clip(name, LABEL_CHARS_TOLD_MAX)), LABEL_CHARS_TOLD_MAX)
}

function briefList(names: readonly string[]): string {
  const told = names.slice(0, LABEL_NAMES_TOLD_MAX)
  const more = names.length - told.length
  return told.map((name) => shown(brief(name))).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
