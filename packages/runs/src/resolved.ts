/** What somebody who knows has said about an effect in doubt, as the outcome that is recorded. */

import { joinLabels, sourceLabel, TRUSTED_LABEL } from '@ice/primitives'
import { wholeLabel } from './call-labels.ts'
import type { Fact } from './facts.ts'
import type { OpenEffect, Payload, RunFold } from './lifecycle.ts'

type Resolution = RunFold['resolutions'] extends Map<string, infer R> ? R : never

/** The outcome of an effect that is known to have happened. */
export function resolvedOutcome({ data, id }: OpenEffect['intent'], resolution: Resolution): Fact {
  const { result = { inline: null }, evidence } = resolution.data
  const observed = { resolved: evidence.slice(0, 1024) }
  // Who says that it happened vouches for that, and not for what came back.
  const said = resolution.data.result === undefined ? TRUSTED_LABEL : sourceLabel(data.action)
  const label = joinLabels(wholeLabel(data.labels), said) as unknown
  const { effect, attempt } = data
  const outcome = { effect, attempt, intent: id, result, observed }
  return {
    type: 'EffectSucceeded',
    data: { ...outcome, label: label as Payload<'EffectSucceeded'>['label'] },
    causes: [resolution.id],
  }
}
