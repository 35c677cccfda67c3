/** What a survey is told. */

import { z } from 'zod'
import { CONCURRENCY_DEFAULT, CONCURRENCY_MAX } from './limits.ts'
import { SKIPPED_DIRECTORIES } from './proposer.ts'

/** The input, with what was left out filled in. */
export interface SurveyInput {
  /** Heads the report. */
  readonly title: string
  /** Reads in flight. */
  readonly concurrency: number
  /** Names of directories that are not entered. */
  readonly skipDirectories: readonly string[]
  /** Paths, relative to the folder, that are left out. */
  readonly exclude: readonly string[]
  /** Write notes of progress, under the grant `notes`. */
  readonly notes: boolean
}

/** Checks the input of the program; every member may be left out. */
export const surveyInput: z.ZodType<SurveyInput> = z.strictObject({
  title: z.string().max(200).default('Survey'),
  concurrency: z.int().min(1).max(CONCURRENCY_MAX).default(CONCURRENCY_DEFAULT),
  skipDirectories: z
    .array(z.string().min(1).max(255))
    .max(64)
    .default([...SKIPPED_DIRECTORIES]),
  exclude: z.array(z.string().min(1).max(4096)).max(64).default([]),
  notes: z.boolean().default(false),
})
