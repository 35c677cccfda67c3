/**
 * Caveats: the conditions under which a grant may be used.
 *
 * A caveat that this program does not know in every part denies: it was written to narrow, and
 * ignoring it would widen.
 */
import { isActionName } from './action.ts'
import { TERMS_MEMBERS, termsFault } from './approval.ts'
import type { Limit } from './budget.ts'
import { type Condition, conditionFault, isConditionKind } from './conditions.ts'
import { type LabelRule, labelCaveatFault, labelRule } from './label.ts'
import { addLimit, limitFault } from './limit-caveats.ts'
import { ACTIONS_MAX } from './limits.ts'
import { hasOnly, isRecord, own } from './plain.ts'
import { shown } from './text.ts'

/** What the caveats of one grant come to. */
export interface CaveatRules {
  /** What is counted, each unit once; none: nothing is. */
  readonly limits: readonly Limit[]
  /** Every use needs an approval. */
  readonly approvesAll: boolean
  /** Uses of these actions need one. */
  readonly approvesActions: readonly string[]
  /** Those that a request alone fulfils or not. */
  readonly conditions: readonly Condition[]
  /** What arguments have to be labelled with. */
  readonly labels: readonly LabelRule[]
  /** Why a caveat is not understood, for each that is not. */
  readonly faults: readonly string[]
}

const NO_RULES: CaveatRules = Object.freeze({
  limits: [],
  approvesAll: false,
  approvesActions: [],
  conditions: [],
  labels: [],
  faults: [],
})

/** Why this is no caveat of a known kind, or `undefined`. */
export function caveatFault(caveat: unknown): string | undefined {
  if (!isRecord(caveat)) return `a caveat is an object, not ${shown(caveat)}`
  const kind = own(caveat, 'kind')
  if (isConditionKind(kind)) return conditionFault(caveat, kind)
  switch (kind) {
    case 'count':
    case 'rate':
    case 'budget':
      return limitFault(kind, caveat)
    case 'approval':
      return hasOnly(caveat, ['kind', ...TERMS_MEMBERS])
        ? termsFault(caveat)
        : `an "approval" caveat has no members but ${TERMS_MEMBERS.join(', ')}`
    case 'approval-for':
      return hasOnly(caveat, ['kind', 'actions', ...TERMS_MEMBERS]) &&
        isActionList(own(caveat, 'actions'))
        ? termsFault(caveat)
        : `an "approval-for" caveat names 1 to ${ACTIONS_MAX} actions`
    case 'trusted':
    case 'readers':
      return labelCaveatFault(caveat)
    default:
      return `a caveat of the kind ${shown(kind)} is not known here`
  }
}

function isActionList(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > ACTIONS_MAX) return false
  return value.every(isActionName)
}

/** Reads the caveats of a grant; total. */
export function caveatRules(caveats: readonly unknown[]): CaveatRules {
  return caveats.length === 0 ? NO_RULES : caveats.reduce(addRule, NO_RULES)
}

function addRule(rules: CaveatRules, caveat: unknown): CaveatRules {
  const fault = caveatFault(caveat)
  if (fault !== undefined) return { ...rules, faults: [...rules.faults, fault] }
  const condition = caveat as Condition
  if (isConditionKind(condition.kind)) {
    return { ...rules, conditions: [...rules.conditions, condition] }
  }
  const known = caveat as { kind: string; actions?: readonly string[] }
  if (known.kind === 'trusted' || known.kind === 'readers') {
    return { ...rules, labels: [...rules.labels, labelRule(known)] }
  }
  const limits = addLimit(rules.limits, known)
  if (typeof limits === 'string') return { ...rules, faults: [...rules.faults, limits] }
  if (limits !== undefined) return { ...rules, limits }
  return known.actions === undefined
    ? { ...rules, approvesAll: true }
    : { ...rules, approvesActions: [...rules.approvesActions, ...known.actions] }
}

/** Whether a use of this action needs an approval. */
export function needsApproval(rules: CaveatRules, action: string): boolean {
  return rules.approvesAll || rules.approvesActions.includes(action)
}
