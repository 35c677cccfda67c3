/** What the parts of the survey hand each other: types only. */

import type { EntryKind } from '@ice/effects'
import type { JsonObject } from '@ice/primitives'
import type { RunContext } from '@ice/runs/ports'

/** What one file comes to: all that is recorded of its content. */
export type Tally = {
  /** Bytes that were read. */
  readonly bytes: number
  /** Newline characters, as `wc -l` counts them. */
  readonly lines: number
  readonly language: string
  /** Marks left for later; left out where there are none. */
  readonly marks?: { readonly todo: number; readonly fixme: number }
  /** Of a licence file, what it is; of any other text, what its SPDX tag says. */
  readonly licence?: string
  /** Of a manifest. */
  readonly manifest?: Manifest
}

/** What a manifest declares. */
export type Manifest = {
  readonly kind: ManifestKind
  /** Why nothing could be read from it; left out where something could. */
  readonly unreadable?: string
  /** Of the licence it declares. */
  readonly licence?: string
  /** How many dependencies it declares. */
  readonly count: number
  /** The first of them, in the order of the file. */
  readonly dependencies: readonly Dependency[]
}

/** Manifests that are understood. */
export type ManifestKind =
  | 'package.json'
  | 'requirements.txt'
  | 'pyproject.toml'
  | 'Cargo.toml'
  | 'go.mod'
  | 'pom.xml'

/** One declared dependency. */
export type Dependency = {
  readonly name: string
  /** As it is written; empty where none is. */
  readonly version: string
  /** What it is needed for, in the words of its manifest: `dev`, `build`, …; left out for use. */
  readonly scope?: string
}

/** A name in a directory, as the survey sees it. */
export interface SurveyEntry {
  readonly name: string
  /** Relative to the folder. */
  readonly path: string
  readonly kind: EntryKind
  /** Bytes, of a file. */
  readonly size?: number
}

/** What a proposer says of one entry, and why. */
export type Verdict =
  | { readonly kind: 'read'; readonly reason: string }
  | { readonly kind: 'enter'; readonly reason: string }
  | { readonly kind: 'skip'; readonly reason: string }

/** An effect that a proposer suggests beside the survey's own; it need not be allowed. */
export interface SideProposal {
  /** Unique among them. */
  readonly id: string
  readonly action: string
  readonly grant: string
  readonly arguments: JsonObject
  readonly reason: string
}

/**
 * Suggests what to look at. Suggesting is all it does: what it names is read under the run's
 * grants or not at all, and what it names that is not there is not looked for.
 *
 * A model can stand behind it: then `consider` asks for its answer as an effect of the context, so
 * that a replay gives the same one.
 */
export interface Proposer {
  /** In whose name proposals are recorded. */
  readonly agent: string
  /** One verdict for each entry, in their order. */
  consider(context: RunContext, entries: readonly SurveyEntry[]): Promise<readonly Verdict[]>
  /** Proposed once, before the survey itself. */
  readonly beside?: readonly SideProposal[]
}

/** Why something was not read, how often, and where for example. */
export type Skipped = {
  readonly reason: string
  readonly count: number
  readonly examples: readonly string[]
}

/** One row of the table of languages. */
export type LanguageRow = {
  readonly language: string
  readonly files: number
  readonly lines: number
  readonly bytes: number
  readonly todo: number
  readonly fixme: number
}

/** The report as `survey.json` holds it. Only `TIME_FIELDS` differ from run to run. */
export type SurveyReport = {
  readonly format: 'ice-survey/1'
  readonly title: string
  readonly startedAt: string
  readonly finishedAt: string
  readonly durationMs: number
  readonly rules: readonly string[]
  readonly totals: SurveyTotals
  readonly languages: readonly LanguageRow[]
  readonly marks: {
    readonly todo: number
    readonly fixme: number
    readonly files: readonly {
      readonly path: string
      readonly todo: number
      readonly fixme: number
    }[]
  }
  readonly licences: {
    readonly files: readonly { readonly path: string; readonly licence: string }[]
    readonly filesFound: number
    /** By licence: files that carry its SPDX tag. */
    readonly tags: readonly Counted[]
    /** By licence: manifests that declare it. */
    readonly declared: readonly Counted[]
  }
  readonly manifests: {
    readonly found: number
    readonly dependencies: number
    readonly shown: readonly ({ readonly path: string } & Manifest)[]
  }
  readonly skipped: readonly Skipped[]
}

/** A name and how often it was met. */
export type Counted = { readonly name: string; readonly count: number }

/** The sums of a survey. */
export type SurveyTotals = {
  /** Files that were read. */
  readonly files: number
  readonly lines: number
  readonly bytes: number
  /** Directories that were listed, the folder itself included. */
  readonly directories: number
  /** Entries that were not read or entered, for whatever reason. */
  readonly skipped: number
  /** Names that are not UTF-8, whatever has them; they are read like others. */
  readonly namesNotUtf8: number
}

/** What a survey run gives. */
export interface SurveyResult {
  readonly totals: SurveyTotals
  /** Languages, and the sums over them. */
  readonly languages: number
  readonly sums: { readonly files: number; readonly lines: number; readonly bytes: number }
  /** The reports that were written, and how. */
  readonly reports: readonly {
    readonly path: string
    readonly how: 'created' | 'replaced' | 'kept'
  }[]
  /** What was proposed beside the survey, and refused. */
  readonly denied: readonly { readonly step: string; readonly code: string }[]
  readonly notes: { readonly written: number; readonly refused: number }
}
