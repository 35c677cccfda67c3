/// <reference lib="es2024.string" />
/**
 * Labels: where a value came from, and who may read it.
 *
 *     sources   none: *trusted*; else every untrusted source that had a say in the value
 *     readers   null: everyone; else only these
 *
 * 1. A semilattice: `joinLabels` is the union of sources and the intersection of readers. It is
 *    associative, commutative and idempotent, so it does not matter in which order a run met what
 *    it was given; `TRUSTED_LABEL` joined with anything is that.
 * 2. A label only ever gets narrower by joining. What widens it, `endorseLabel` and
 *    `declassifyLabel`, is somebody's decision and is recorded as theirs.
 * 3. One normal form: names sorted by UTF-16 units, each once, bounded, so that equal labels are
 *    equal bytes.
 *
 * The trap is what happens at the bounds. A label that forgot a source when there were too many
 * could be filled with harmless ones until it forgot the harmful one, or be made trusted by
 * endorsing those that are told. So beyond `LABEL_SOURCES_MAX` the first ones are kept, and `*`
 * stands for all others: a source like any other, which only its own endorsement removes. Beyond
 * `LABEL_READERS_MAX` the first readers are kept: the others may not read. Of a long name its
 * beginning is kept, and the digest of the whole.
 */

import { Buffer } from 'node:buffer'
import { sha256Hex } from './hash.ts'
import {
  LABEL_NAME_BYTES_MAX,
  LABEL_NAMES_READ_MAX,
  LABEL_READERS_MAX,
  LABEL_SOURCES_MAX,
} from './limits.ts'
import { clip } from './text.ts'

/**
 * Where a value came from and who may read it. No sources: *trusted*; `null` readers: everyone.
 * Sources and readers are sorted, each once.
 */
export interface Label {
  readonly sources: readonly string[]
  readonly readers: readonly string[] | null
}

/** The source that stands for those that are not told. */
export const UNKNOWN_SOURCE = '*'

/** From nobody who would have to be mistrusted, and for everyone. */
export const TRUSTED_LABEL: Label = frozen([], null)

/** Of what nothing is known: from anywhere, and for nobody. */
export const UNKNOWN_LABEL: Label = frozen([UNKNOWN_SOURCE], [])

function frozen(sources: readonly string[], readers: readonly string[] | null): Label {
  return Object.freeze({
    sources: Object.freeze(sources),
    readers: readers === null ? null : Object.freeze(readers),
  })
}

/**
 * The label of what comes from one untrusted source.
 *
 * @param source - `net:example.com`; any text that is not empty
 */
export function sourceLabel(source: string): Label {
  return readLabel({ sources: [source], readers: null }) ?? UNKNOWN_LABEL
}

/**
 * A label from whatever was handed in, in normal form; `undefined` when it is none, which is for
 * the caller to take as `UNKNOWN_LABEL`. What a getter or a proxy throws passes through.
 */
export function readLabel(value: unknown): Label | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (!Object.hasOwn(value, 'sources') || !Object.hasOwn(value, 'readers')) return undefined
  if (Object.keys(value).length !== 2) return undefined
  const given = value as { readonly sources: unknown; readonly readers: unknown }
  const sources = namesOf(given.sources)
  const allowed = given.readers
  const readers = allowed === null ? null : namesOf(allowed)
  if (sources === undefined || readers === undefined) return undefined
  return frozen(boundedSources(sources), readers?.slice(0, LABEL_READERS_MAX) ?? null)
}

/** The label of what was made of values with these labels; trusted when there are none. */
export function joinLabels(...labels: readonly Label[]): Label {
  let joined = TRUSTED_LABEL
  for (const label of labels) joined = joinTwo(joined, label)
  return joined
}

function joinTwo(a: Label, b: Label): Label {
  if (a === b || isNeutral(b)) return a
  if (isNeutral(a)) return b
  const sources = sorted([...a.sources, ...b.sources])
  return frozen(boundedSources(sources), common(a.readers, b.readers))
}

function isNeutral({ sources, readers }: Label): boolean {
  return sources.length === 0 && readers === null
}

function common(
  a: readonly string[] | null,
  b: readonly string[] | null,
): readonly string[] | null {
  if (a === null) return b
  if (b === null) return a
  const both = new Set(b)
  return a.filter((reader) => both.has(reader))
}

/** Whether no untrusted source had a say. */
export function isTrusted({ sources }: Label): boolean {
  return sources.length === 0
}

/** Whether someone may read it. */
export function mayRead({ readers }: Label, reader: string): boolean {
  return readers === null || readers.includes(boundedName(reader))
}

/** Whether two labels in normal form say the same. */
export function sameLabel(a: Label, b: Label): boolean {
  return sameNames(a.sources, b.sources) && sameNames(a.readers, b.readers)
}

function sameNames(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a === b
  return a.length === b.length && a.every((name, i) => name === b[i])
}

/** The label once somebody vouches for what came from these sources. */
export function endorseLabel({ sources, readers }: Label, vouched: readonly string[]): Label {
  const gone = new Set(vouched.map(boundedName))
  return frozen(
    sources.filter((source) => !gone.has(source)),
    readers,
  )
}

/** The label once somebody lets these read too; `null` is everyone. */
export function declassifyLabel(
  { sources, readers }: Label,
  more: readonly string[] | null,
): Label {
  if (readers === null || more === null) return frozen([...sources], null)
  const all = sorted([...readers, ...more.map(boundedName)])
  return frozen([...sources], all.slice(0, LABEL_READERS_MAX))
}

/** Names in normal form, or `undefined` when it is no list of names. */
function namesOf(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > LABEL_NAMES_READ_MAX) return undefined
  const names: string[] = []
  for (let i = 0; i < value.length; i += 1) {
    const name: unknown = value[i]
    if (typeof name !== 'string' || name === '') return undefined
    names.push(boundedName(name))
  }
  return sorted(names)
}

/** The smallest ones and `*` in place of the rest: also over several joins the same. */
function boundedSources(names: readonly string[]): readonly string[] {
  const told = names.filter((name) => name !== UNKNOWN_SOURCE)
  if (told.length === names.length && told.length <= LABEL_SOURCES_MAX) return names
  return sorted([...told.slice(0, LABEL_SOURCES_MAX - 1), UNKNOWN_SOURCE])
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort(byUnits)
}

function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Printable ASCII that JSON writes as it is: nearly every name. */
const PLAIN = /^[ !#-[\]-~]+$/

const ESCAPED = /["\\\p{Cc}]/gu

/** A name as labels hold it: itself, or its beginning and the digest of the whole. */
function boundedName(name: string): string {
  if (name.length <= LABEL_NAME_BYTES_MAX && PLAIN.test(name)) return name
  const whole = name.toWellFormed()
  if (Buffer.byteLength(JSON.stringify(whole)) <= LABEL_NAME_BYTES_MAX + QUOTES) return whole
  const beginning = clip(whole.replace(ESCAPED, '_'), LABEL_NAME_BYTES_MAX - DIGEST_BYTES - 1)
  return `${beginning}#${sha256Hex(whole)}`
}

const QUOTES = 2
const DIGEST_BYTES = 64
