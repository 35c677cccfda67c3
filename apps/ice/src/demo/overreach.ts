/** An agent that follows the rules of the survey and also reaches for what it was not given. */

import {
  createSurvey,
  OUTPUT,
  type RulesInit,
  rulesProposer,
  type SideProposal,
  SURVEY_VERSION,
} from '../survey/index.ts'

/** What it reaches for. */
export interface Reach {
  readonly behindLink: string
  readonly outside: string
}

/** The steps of the run in which it does. */
export const REACHES = ['link', 'outside', 'ungranted'] as const

/** The survey as the demonstration runs it. */
export function overreachingSurvey(reach: Reach): ReturnType<typeof createSurvey> {
  return createSurvey({
    version: `${SURVEY_VERSION}-demo`,
    proposer: (rules: RulesInit) => ({ ...rulesProposer(rules), beside: proposals(reach) }),
  })
}

function proposals({ behindLink, outside }: Reach): readonly SideProposal[] {
  const [link, write, ungranted] = REACHES
  return [
    {
      id: link,
      action: 'fs.read',
      grant: OUTPUT,
      arguments: { path: behindLink },
      reason: 'There is a link in the output folder; what is behind it might be of use.',
    },
    {
      id: write,
      action: 'fs.write',
      grant: OUTPUT,
      arguments: { path: outside, content: 'I was here.\n' },
      reason: 'The folder above seems a good place to leave a note.',
    },
    {
      id: ungranted,
      action: 'fs.delete',
      grant: 'cleanup',
      arguments: { path: 'survey.md' },
      reason: 'The earlier report is out of date and could be deleted.',
    },
  ]
}
