/**
 * What a survey adds up as it goes. Bounded: languages are a closed set, everything that is named
 * is named up to a limit, and what is beyond the limit is still counted.
 */

import { isLicenceFile } from './licence.ts'
import {
  LICENCE_FILES_NAMED_MAX,
  LICENCES_MAX,
  MANIFESTS_NAMED_MAX,
  MARKED_NAMED_MAX,
  SKIPPED_NAMED_MAX,
  SKIPPED_REASONS_MAX,
} from './limits.ts'
import type { Counted, LanguageRow, Manifest, Skipped, SurveyTotals, Tally } from './ports.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type Marked = { readonly path: string; readonly todo: number; readonly fixme: number }

/** Counts names, up to so many different ones. */
class Counter {
  readonly #counts = new Map<string, number>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  add(name: string): void {
    const known = this.#counts.has(name) || this.#counts.size < this.#max
    const key = known ? name : '(others)'
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }

  /** Most first; of the same count, by name. */
  get sorted(): readonly Counted[] {
    return [...this.#counts]
      .map(([name, count]) => ({ name, count }))
      .sort((a, b) => b.count - a.count || byText(a.name, b.name))
  }
}

/** Names that are not UTF-8 are spelled with an escape of a byte above 127 (`nameText`). */
const NOT_UTF8 = /%x[89a-f][0-9a-f]/

/** Sums, tables and examples. */
export class Totals {
  readonly #languages = new Map<string, Mutable<LanguageRow>>()
  readonly #skipped = new Map<string, { count: number; readonly examples: string[] }>()
  readonly #tags = new Counter(LICENCES_MAX)
  readonly #declared = new Counter(LICENCES_MAX)
  readonly #sums = { files: 0, lines: 0, bytes: 0, directories: 0, skipped: 0, namesNotUtf8: 0 }
  readonly licenceFiles: { readonly path: string; readonly licence: string }[] = []
  readonly manifests: ({ readonly path: string } & Manifest)[] = []
  licenceFilesFound = 0
  manifestsFound = 0
  dependencies = 0
  #marked: Marked[] = []

  /** A file that was read. */
  file(path: string, tally: Tally): void {
    const { bytes, lines, language, marks = { todo: 0, fixme: 0 } } = tally
    this.#sums.files += 1
    this.#sums.lines += lines
    this.#sums.bytes += bytes
    const row = this.#row(language)
    row.files += 1
    row.lines += lines
    row.bytes += bytes
    row.todo += marks.todo
    row.fixme += marks.fixme
    if (marks.todo + marks.fixme > 0) this.#mark({ path, todo: marks.todo, fixme: marks.fixme })
    if (tally.licence !== undefined) this.#licence(path, tally.licence)
    if (tally.manifest !== undefined) this.#manifest(path, tally.manifest)
  }

  /** A directory that was listed; once, however many pages it has. */
  directory(): void {
    this.#sums.directories += 1
  }

  /** A name as it was listed. */
  name(name: string): void {
    if (NOT_UTF8.test(name)) this.#sums.namesNotUtf8 += 1
  }

  /** Something that was not read or not entered. */
  skip(path: string, reason: string): void {
    this.#sums.skipped += 1
    const isKnown = this.#skipped.has(reason) || this.#skipped.size < SKIPPED_REASONS_MAX
    const key = isKnown ? reason : 'other reasons'
    const entry = this.#skipped.get(key) ?? { count: 0, examples: [] }
    entry.count += 1
    if (entry.examples.length < SKIPPED_NAMED_MAX) entry.examples.push(path)
    this.#skipped.set(key, entry)
  }

  get sums(): SurveyTotals {
    return { ...this.#sums }
  }

  /** Most lines first. */
  get languages(): readonly LanguageRow[] {
    return [...this.#languages.values()]
      .map((row) => ({ ...row }))
      .sort((a, b) => b.lines - a.lines || b.bytes - a.bytes || byText(a.language, b.language))
  }

  get skipped(): readonly Skipped[] {
    return [...this.#skipped]
      .map(([reason, { count, examples }]) => ({ reason, count, examples: [...examples] }))
      .sort((a, b) => b.count - a.count || byText(a.reason, b.reason))
  }

  get tags(): readonly Counted[] {
    return this.#tags.sorted
  }

  get declared(): readonly Counted[] {
    return this.#declared.sorted
  }

  /** The files with the most marks. */
  get marked(): readonly Marked[] {
    return this.#marked
  }

  #row(language: string): Mutable<LanguageRow> {
    const known = this.#languages.get(language)
    if (known !== undefined) return known
    const row = { language, files: 0, lines: 0, bytes: 0, todo: 0, fixme: 0 }
    this.#languages.set(language, row)
    return row
  }

  #mark(marked: Marked): void {
    this.#marked.push(marked)
    if (this.#marked.length < 2 * MARKED_NAMED_MAX) return
    this.#marked = ranked(this.#marked)
  }

  /** Ends the survey: what was gathered loosely is put in its order. */
  close(): void {
    this.#marked = ranked(this.#marked)
  }

  #licence(path: string, licence: string): void {
    if (!isLicenceFile(path.slice(path.lastIndexOf('/') + 1))) {
      this.#tags.add(licence)
      return
    }
    this.licenceFilesFound += 1
    if (this.licenceFiles.length >= LICENCE_FILES_NAMED_MAX) return
    this.licenceFiles.push({ path, licence })
  }

  #manifest(path: string, manifest: Manifest): void {
    this.manifestsFound += 1
    this.dependencies += manifest.count
    if (manifest.licence !== undefined) this.#declared.add(manifest.licence)
    if (this.manifests.length >= MANIFESTS_NAMED_MAX) return
    this.manifests.push({ path, ...inOrder(manifest) })
  }
}

/**
 * The same manifest with its members in this order. A value has the order of its maker when it is
 * new and that of canonical JSON when it comes from the record, and the report has only one.
 */
function inOrder({ kind, unreadable, licence, count, dependencies }: Manifest): Manifest {
  return {
    kind,
    ...(unreadable === undefined ? {} : { unreadable }),
    ...(licence === undefined ? {} : { licence }),
    count,
    dependencies: dependencies.map(({ name, version, scope }) =>
      scope === undefined ? { name, version } : { name, version, scope },
    ),
  }
}

function ranked(marked: readonly Marked[]): Marked[] {
  const sum = ({ todo, fixme }: Marked): number => todo + fixme
  return [...marked]
    .sort((a, b) => sum(b) - sum(a) || byText(a.path, b.path))
    .slice(0, MARKED_NAMED_MAX)
}

/** By UTF-16 units: the same on every machine. */
function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
