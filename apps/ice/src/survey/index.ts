/** The survey: reads a folder under grants, and reports what is in it. */

export { type SurveyFolders, surveyGrants } from './grants.ts'
export { type SurveyInput, surveyInput } from './input.ts'
export { NOTES, NOTES_FILE } from './notes.ts'
export type {
  Proposer,
  SideProposal,
  SurveyEntry,
  SurveyReport,
  SurveyResult,
  SurveyTotals,
  Tally,
  Verdict,
} from './ports.ts'
export { createSurvey, SURVEY_VERSION, type SurveyOptions, surveyProgram } from './program.ts'
export { type RulesInit, rulesProposer, SKIPPED_DIRECTORIES, SURVEYOR } from './proposer.ts'
export { OUTPUT, REPORT_FILES } from './publish.ts'
export { TIME_FIELDS, withoutTimes } from './report.ts'
export { SOURCE } from './walk.ts'
