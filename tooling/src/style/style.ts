/** The style test: every rule over the house, less the exemptions. */
import { EXEMPTIONS, type Exemption } from './exemptions.ts'
import type { House } from './house.ts'
import type { Finding, Repair, Rule } from './rule.ts'
import { ambient } from './rules/ambient.ts'
import { cycles } from './rules/cycles.ts'
import { deadFiles } from './rules/dead-files.ts'
import { deepImports } from './rules/deep-imports.ts'
import { direction } from './rules/direction.ts'
import { docs } from './rules/docs.ts'
import { generated } from './rules/generated.ts'
import { hostModules } from './rules/host-modules.ts'
import { ingress } from './rules/ingress.ts'
import { layout } from './rules/layout.ts'
import { manifest } from './rules/manifest.ts'
import { marks } from './rules/marks.ts'
import { requirements } from './rules/requirements.ts'
import { sizes } from './rules/sizes.ts'
import { syntax } from './rules/syntax.ts'

/** Every rule, in the order in which they are reported. */
export const RULES: readonly Rule[] = [
  direction,
  deepImports,
  cycles,
  ambient,
  hostModules,
  ingress,
  syntax,
  marks,
  sizes,
  deadFiles,
  layout,
  manifest,
  generated,
  requirements,
  docs,
]

/** What one rule has to say about a house. */
export interface RuleReport {
  readonly rule: Rule
  readonly findings: readonly Finding[]
  readonly repairs: readonly Repair[]
}

const applyRule = (house: House, rule: Rule, exemptions: readonly Exemption[]): RuleReport => {
  const all = rule.check(house)
  const ours = exemptions.filter((each) => each.rule === rule.id)
  const idle = ours
    .filter(({ path }) => !all.some((finding) => finding.path === path))
    .map(({ path }) => ({ path, line: 1, message: 'is exempt without need: strike the exemption' }))
  const kept = all.filter(({ path }) => !ours.some((each) => each.path === path))
  return { rule, findings: [...kept, ...idle], repairs: rule.repair?.(house) ?? [] }
}

/** Applies the rules; the house is not changed. */
export const checkStyle = (
  house: House,
  rules: readonly Rule[] = RULES,
  exemptions: readonly Exemption[] = EXEMPTIONS,
): readonly RuleReport[] => rules.map((rule) => applyRule(house, rule, exemptions))

/** The findings of one rule as text, its reason last; empty when there are none. */
export const describeReport = ({ rule, findings }: RuleReport): string => {
  if (findings.length === 0) return ''
  const lines = findings.map(({ path, line, message }) => `${path}:${line}  ${message}`)
  return [...lines, `  ${rule.id}: ${rule.reason}`].join('\n')
}
