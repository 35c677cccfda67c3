/** The survey as a program: durable, and the same for the same folder. */

import { defineProgram, type Program, type RunContext } from '@ice/runs'
import { z } from 'zod'
import { type SurveyInput, surveyInput } from './input.ts'
import { Notes } from './notes.ts'
import type { Proposer, SideProposal, SurveyResult } from './ports.ts'
import { type RulesInit, rulesProposer } from './proposer.ts'
import { OUTPUT, publish } from './publish.ts'
import { reportOf } from './report.ts'
import { SOURCE, walkFolder } from './walk.ts'

/** Version of the program: a run is resumed by the version it was begun with. */
export const SURVEY_VERSION = '1.0.0'

/** How a survey is made. */
export interface SurveyOptions {
  /** Who proposes what to read. @defaultValue `rulesProposer` */
  readonly proposer?: (rules: RulesInit) => Proposer
  /** Tells it from the survey of another proposer. @defaultValue `SURVEY_VERSION` */
  readonly version?: string
}

const sums = z.looseObject({ files: z.number(), lines: z.number(), bytes: z.number() })
const output: z.ZodType<SurveyResult> = z.looseObject({
  totals: sums,
  sums,
}) as unknown as z.ZodType<SurveyResult>

/** Makes a survey program. */
export function createSurvey(options: SurveyOptions = {}): Program<SurveyInput, SurveyResult> {
  const { proposer = rulesProposer, version = SURVEY_VERSION } = options
  return defineProgram<SurveyInput, SurveyResult>({
    name: 'survey',
    version,
    input: surveyInput,
    output,
    needs: [SOURCE, OUTPUT],
    checks: [{ name: 'the table of languages adds up to the totals', check: addsUp }],
    run: (context, input) => survey(context, input, proposer(input)),
  })
}

/** The survey with the proposer that follows rules. */
export const surveyProgram: Program<SurveyInput, SurveyResult> = createSurvey()

async function survey(
  context: RunContext,
  input: SurveyInput,
  proposer: Proposer,
): Promise<SurveyResult> {
  const startedAt = context.now
  const denied = await proposeBeside(context, proposer)
  const notes = new Notes(context, input.notes)
  const totals = await walkFolder(context, input, proposer)
  const { files } = totals.sums
  await notes.write('read', `${files} files were read; the report comes next.`)
  const report = reportOf(totals, input, { startedAt, finishedAt: context.now })
  const reports = await publish(context, report)
  await notes.write('reported', `${files} files were read, and the report is written.`)
  const add = (of: 'files' | 'lines' | 'bytes'): number =>
    report.languages.reduce((sum, row) => sum + row[of], 0)
  return {
    totals: report.totals,
    languages: report.languages.length,
    sums: { files: add('files'), lines: add('lines'), bytes: add('bytes') },
    reports,
    denied,
    notes: { written: notes.written, refused: notes.refused },
  }
}

/** Tries what the agent proposes beside the survey: whether it may is not for the agent to say. */
async function proposeBeside(
  context: RunContext,
  { agent, beside = [] }: Proposer,
): Promise<SurveyResult['denied']> {
  const denied: { readonly step: string; readonly code: string }[] = []
  for (const proposal of beside) {
    const { id, action, grant, reason } = proposal
    const content = { action, grant, arguments: proposal.arguments }
    await context.propose(`beside/${id}/proposed`, { agent, content, reason })
    const code = await tryBeside(context, proposal)
    if (code !== undefined) denied.push({ step: `beside/${id}`, code })
  }
  return denied
}

async function tryBeside(context: RunContext, proposal: SideProposal): Promise<string | undefined> {
  const { id, action, grant } = proposal
  const request = { action, grant, arguments: proposal.arguments }
  const outcome = await context.attempt(`beside/${id}`, request)
  return outcome.kind === 'denied' ? outcome.denial.code : undefined
}

function addsUp({ totals, sums: added }: SurveyResult): string | undefined {
  const fields = ['files', 'lines', 'bytes'] as const
  const wrong = fields.find((field) => totals[field] !== added[field])
  if (wrong === undefined) return undefined
  return `${wrong}: the rows give ${added[wrong]}, the totals say ${totals[wrong]}`
}
