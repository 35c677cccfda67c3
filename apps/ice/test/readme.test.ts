import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CLI_CODES } from '../src/errors.ts'

const text = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

describe('the README', () => {
  it('lists the codes of the command in the words of their source', () => {
    const declared = [...text('../src/errors.ts').matchAll(/\/\*\* (.+) \*\/\n {2}\w+: '(\w+)'/g)]
    const rows = declared.map(([, when, code]) => `| \`${code}\` | ${when} |`)
    expect(rows).toHaveLength(Object.keys(CLI_CODES).length)
    const [, table] =
      /\| code \| when \|\n\|---\|---\|\n([\s\S]*)$/.exec(text('../README.md')) ?? []
    expect(table?.trim().split('\n')).toEqual(rows)
  })

  it('names every verb there is', () => {
    const verbs = [...text('../src/cli.ts').matchAll(/\.command\('(\w+)'\)/g)].map(
      ([, verb]) => verb,
    )
    expect(verbs.length).toBeGreaterThan(10)
    for (const verb of [...verbs, 'approve', 'reject']) {
      expect(text('../README.md')).toMatch(new RegExp(`\\| .*\`${verb}\\b`))
    }
  })
})
