/**
 * The parts of a topic that are made: all of them, or those that a variable names.
 *
 * The trap this closes: a name that is mistyped, with which nothing is measured or proved, and the
 * run ends well.
 */
import type { CheckRecorder } from './recorder.ts'
import type { TopicContext } from './topics.ts'

/** Parts by name, in the order in which they are made. */
export type Parts<P> = readonly (readonly [name: string, part: P])[]

/** Those that the variable names, separated by commas; all, where it is not set. */
export const chosenParts = <P>(variable: string, parts: Parts<P>): Parts<P> => {
  const only = process.env[variable]?.split(',')
  const names = parts.map(([name]) => name)
  const unknown = only?.filter((name) => !names.includes(name)) ?? []
  if (unknown.length > 0) {
    throw new Error(`there is no part ${unknown.join()}; the parts are ${names.join()}`)
  }
  return parts.filter(([name]) => only?.includes(name) ?? true)
}

/** Proves the parts that `ICE_PROVE_ONLY` names, and says how long each took. */
export const proveParts = async (
  parts: Parts<(context: TopicContext & CheckRecorder) => Promise<void>>,
  context: TopicContext & CheckRecorder,
): Promise<void> => {
  for (const [name, part] of chosenParts('ICE_PROVE_ONLY', parts)) {
    const began = performance.now()
    await part(context)
    context.say(`  ${name}: ${((performance.now() - began) / 1_000).toFixed(1)} s`)
  }
}
