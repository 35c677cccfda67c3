/** `ice doctor`: whether this machine, this folder and this log are fit, and what to do if not. */

import { type Finding, findings } from '../doctor/findings.ts'
import { EXIT } from '../exit.ts'
import type { Invocation } from '../invocation.ts'
import { jsonText, plain } from '../terminal/text.ts'

/** Carries `doctor` out. @returns the exit code */
export async function doctor(invocation: Invocation): Promise<number> {
  const { paint, format, out } = invocation
  const found: Finding[] = []
  for await (const finding of findings(invocation)) {
    found.push(finding)
    if (format === 'jsonl') await out.write(`${jsonText(finding)}\n`)
    if (format === 'human') await out.write(`${lines(finding).join('\n')}\n`)
  }
  const failed = found.filter(({ state }) => state === 'bad').length
  if (format === 'json')
    await out.write(`${jsonText({ healthy: failed === 0, findings: found })}\n`)
  return failed === 0 ? EXIT.ok : EXIT.unexpected

  function lines({ state, what, found: is, remedy }: Finding): readonly string[] {
    const sign = { good: paint.green('✓'), fair: paint.yellow('!'), bad: paint.red('✗') }[state]
    return [
      `${sign} ${what}: ${plain(is)}`,
      ...(remedy === null ? [] : [`    ${paint.cyan('do:')} ${plain(remedy)}`]),
    ]
  }
}
