import { describe, expect, it } from 'vitest'
import { checkStyle, describeReport, RULES } from '../../src/style/style.ts'
import { banCases } from './cases/bans.ts'
import { documentCases } from './cases/documents.ts'
import { importCases } from './cases/imports.ts'
import { shapeCases } from './cases/shape.ts'
import { houseFrom, room } from './house-of-texts.ts'

const cases = [...importCases, ...banCases, ...shapeCases, ...documentCases]

describe.each(RULES)('the rule $id', (rule) => {
  const own = cases.filter((each) => each.rule === rule)

  it.each(own)('$name', ({ texts, finds }) => {
    const found = rule.check(houseFrom(texts))
    expect(found.map(({ path, line }) => `${path}:${line}`)).toEqual(finds.map(([place]) => place))
    for (const [at, [, says]] of finds.entries()) expect(found[at]?.message).toContain(says)
  })

  it('is shown a house that breaks it and a house that is clean', () => {
    expect(own.some(({ finds }) => finds.length > 0)).toBe(true)
    expect(own.some(({ finds }) => finds.length === 0)).toBe(true)
  })
})

describe('the style test', () => {
  const house = houseFrom(room('events', { 'src/a.ts': 'Date.now()' }))
  const rules = RULES.filter(({ id }) => id === 'ambient')
  const path = 'packages/events/src/a.ts'

  it('prints the place, what to say instead, and the reason', () => {
    const [report] = checkStyle(house, rules, [])
    expect(report && describeReport(report).split('\n')).toEqual([
      `${path}:1  \`Date.now\`: say \`clock.now()\` or \`clock.monotonicMs()\``,
      expect.stringMatching(/^ {2}ambient: What is handed in can be simulated/),
    ])
  })

  it('passes over an exempt file, and finds an exemption nothing needs', () => {
    const exempt = { rule: 'ambient', path, reason: 'for this test' }
    expect(checkStyle(house, rules, [exempt])[0]?.findings).toEqual([])
    const clean = houseFrom(room('events', { 'src/a.ts': '' }))
    expect(checkStyle(clean, rules, [exempt])[0]?.findings).toEqual([
      { path, line: 1, message: 'is exempt without need: strike the exemption' },
    ])
  })
})
