/** The one question of the demonstration: may the earlier report be replaced? */

import type { DemoOptions } from './options.ts'
import type { Approval } from './outcome.ts'

/** Asks on a terminal; elsewhere, and with `--yes`, the answer is yes, and says who gave it. */
export async function askPerson(
  { yes, json, quiet }: DemoOptions,
  steps: readonly string[],
): Promise<Pick<Approval, 'answer' | 'by'>> {
  if (yes) return { answer: 'yes', by: '--yes' }
  const isTerminal = process.stdin.isTTY === true && process.stderr.isTTY === true
  if (!isTerminal || json || quiet) return { answer: 'yes', by: 'default' }
  // Loaded only when someone is there to be asked.
  const { confirm, isCancel } = await import('@clack/prompts')
  const names = steps.map((id) => id.replace(/^replace\//, '')).join(' and ')
  const said = await confirm({
    message: `The run waits: may it replace ${names}?`,
    output: process.stderr,
  })
  return { answer: !isCancel(said) && said ? 'yes' : 'no', by: 'terminal' }
}
