/** The grants a survey runs under: the folder to read, the folder to write, and nothing else. */

import type { GrantSpec } from '@ice/runs/ports'
import { NOTES, NOTES_FILE } from './notes.ts'
import { OUTPUT } from './publish.ts'
import { SOURCE } from './walk.ts'

/** Absolute paths of the two folders, with `/` between names. */
export interface SurveyFolders {
  readonly source: string
  readonly output: string
  /** Also grant the notes. @defaultValue false */
  readonly notes?: boolean
}

/** The grants by the names the program uses for them. */
export function surveyGrants(folders: SurveyFolders): Readonly<Record<string, GrantSpec>> {
  const { source, output, notes = false } = folders
  const grants = {
    [SOURCE]: {
      actions: ['fs.read', 'fs.list', 'fs.stat'],
      resource: { kind: 'fs', root: source },
    },
    [OUTPUT]: {
      actions: ['fs.read', 'fs.list', 'fs.stat', 'fs.write', 'fs.replace'],
      resource: { kind: 'fs', root: output },
      caveats: [{ kind: 'approval-for' as const, actions: ['fs.replace'] }],
    },
  }
  if (!notes) return grants
  return {
    ...grants,
    [NOTES]: {
      actions: ['fs.replace'],
      resource: { kind: 'fs', root: output, within: [NOTES_FILE] },
    },
  }
}
