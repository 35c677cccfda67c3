/** The proposer that follows rules: no model, and the same proposals every time. */

import { languageByName } from './language.ts'
import { isLicenceFile } from './licence.ts'
import { manifestKind } from './manifest.ts'
import type { Proposer, SurveyEntry, Verdict } from './ports.ts'

/** In whose name the rules propose. */
export const SURVEYOR = 'surveyor'

/** Directories that are not entered unless the input says otherwise. */
export const SKIPPED_DIRECTORIES: readonly string[] = [
  '.git',
  '.hg',
  '.ice',
  '.svn',
  'node_modules',
]

/** What the rules are told. */
export interface RulesInit {
  /** Names of directories that are not entered, wherever they are. */
  readonly skipDirectories: readonly string[]
  /** Paths that are neither read nor entered: where the report and the log are written. */
  readonly exclude: readonly string[]
}

/** Proposes every file, and every directory that no rule leaves out. */
export function rulesProposer(init: RulesInit): Proposer {
  const names = new Set(init.skipDirectories)
  const excluded = new Set(init.exclude)
  return {
    agent: SURVEYOR,
    consider: async (_context, entries) =>
      entries.map((entry) => verdictOf(entry, names, excluded)),
  }
}

function verdictOf(
  { name, path, kind }: SurveyEntry,
  names: ReadonlySet<string>,
  excluded: ReadonlySet<string>,
): Verdict {
  if (excluded.has(path)) return { kind: 'skip', reason: 'belongs to this survey' }
  if (kind === 'link') return { kind: 'skip', reason: 'a link: links are not followed' }
  if (kind === 'other') return { kind: 'skip', reason: 'a pipe, socket or device' }
  if (kind === 'file') return { kind: 'read', reason: reasonToRead(name) }
  if (names.has(name)) return { kind: 'skip', reason: `a directory named ${name}` }
  return { kind: 'enter', reason: 'a directory' }
}

function reasonToRead(name: string): string {
  const manifest = manifestKind(name)
  if (manifest !== undefined) return `a manifest (${manifest})`
  if (isLicenceFile(name)) return 'a licence'
  const language = languageByName(name)
  return language === undefined ? 'its beginning tells what it is' : `${language} by its name`
}
