/**
 * The category `cognitive`: what an agent or a model said. Only agents emit these, and they change
 * nothing: a proposal is not an effect.
 */

import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import { name, text, value } from './shapes.ts'

const category = 'cognitive'

export const InferenceStep = defineEventType({
  type: 'InferenceStep',
  category,
  description: 'A step of reasoning, as far as the agent shows it.',
  payload: z.strictObject({ step: name, content: value }),
})

export const DecisionProposed = defineEventType({
  type: 'DecisionProposed',
  category,
  description: 'The agent proposes to do something and says why.',
  payload: z.strictObject({ step: name, proposal: value, reason: text }),
})

export const HypothesisGenerated = defineEventType({
  type: 'HypothesisGenerated',
  category,
  description: 'The agent holds something to be possibly so.',
  payload: z.strictObject({ step: name, hypothesis: value }),
})

export const UncertaintyDeclared = defineEventType({
  type: 'UncertaintyDeclared',
  category,
  description: 'The agent says that it does not know.',
  payload: z.strictObject({ step: name, about: text }),
})

export const PlanStepProposed = defineEventType({
  type: 'PlanStepProposed',
  category,
  description: 'The agent proposes a step of a plan.',
  payload: z.strictObject({ step: name, plan: name, content: value }),
})

/** All types of the category. */
export const cognitiveTypes = [
  InferenceStep,
  DecisionProposed,
  HypothesisGenerated,
  UncertaintyDeclared,
  PlanStepProposed,
] as const
