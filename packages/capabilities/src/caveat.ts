/**
 * Caveats: the conditions under which a grant may be used.
 *
 * A caveat that this program does not know in every part denies: it was written to narrow, and
 * ignoring it would widen.
 */
import { isActionName } from './action.ts'
import { type Condition, conditionFault, isConditionKind } from './conditions.ts'
import { ACTIONS_MAX, COUNT_USES_MAX } from './limits.ts'
import { hasOnly, isRecord, own } from './plain.ts'
import { shown } from './text.ts'

/** What the caveats of one grant come to. */
export interface CaveatRules {
  /** The smallest of all counts; `null`: uses are not counted. */
  readonly countMax: number | null
  /** Every use needs an approval. */
  readonly approvesAll: boolean
  /** Uses of these actions need one. */
  readonly approvesActions: readonly string[]
  /** Those that a request alone fulfils or not. */
  readonly conditions: readonly Condition[]
  /** Why a caveat is not understood, for each that is not. */
  readonly faults: readonly string[]
}

const NO_RULES: CaveatRules = Object.freeze({
  countMax: null,
  approvesAll: false,
  approvesActions: [],
  conditions: [],
  faults: [],
})

/** Why this is no caveat of a known kind, or `undefined`. */
export function caveatFault(caveat: unknown): string | undefined {
  if (!isRecord(caveat)) return `a caveat is an object, not ${shown(caveat)}`
  const kind = own(caveat, 'kind')
  if (isConditionKind(kind)) return conditionFault(caveat, kind)
  switch (kind) {
    case 'count':
      return hasOnly(caveat, ['kind', 'max']) && isUses(own(caveat, 'max'))
        ? undefined
        : `a "count" caveat has a max from 1 to ${COUNT_USES_MAX}`
    case 'approval':
      return hasOnly(caveat, ['kind']) ? undefined : 'an "approval" caveat has no other members'
    case 'approval-for':
      return hasOnly(caveat, ['kind', 'actions']) && isActionList(own(caveat, 'actions'))
        ? undefined
        : `an "approval-for" caveat names 1 to ${ACTIONS_MAX} actions`
    default:
      return `a caveat of the kind ${shown(kind)} is not known here`
  }
}

function isUses(value: unknown): value is number {
  return (
    Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= COUNT_USES_MAX
  )
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
  const known = caveat as { kind: string; max?: number; actions?: readonly string[] }
  if (known.max !== undefined) {
    return { ...rules, countMax: Math.min(rules.countMax ?? known.max, known.max) }
  }
  return known.actions === undefined
    ? { ...rules, approvesAll: true }
    : { ...rules, approvesActions: [...rules.approvesActions, ...known.actions] }
}

/** Whether a use of this action needs an approval. */
export function needsApproval(rules: CaveatRules, action: string): boolean {
  return rules.approvesAll || rules.approvesActions.includes(action)
}
