/**
 * Requirements: declared once in `docs/requirements/`, cited by tests and kits, never reused.
 *
 * A declaration is an id at the head of a line (of a list, a table or a heading). A line that says
 * "retired" keeps an id from being given again.
 */
import type { House } from '../house.ts'
import type { Finding, Rule } from '../rule.ts'

const ID = /\b[A-Z]{2,}-R\d{2,}\b/g
const DECLARED = /^[\s|#*`-]*([A-Z]{2,}-R\d{2,})\b/

interface Mention extends Pick<Finding, 'path' | 'line'> {
  readonly id: string
}

const declarations = (house: House): readonly (Mention & { readonly isRetired: boolean })[] =>
  house.paths
    .filter((path) => /^docs\/requirements\/.*\.md$/.test(path))
    .flatMap((path) =>
      house
        .text(path)
        .split('\n')
        .flatMap((text, at) => {
          const id = DECLARED.exec(text)?.[1]
          return id === undefined
            ? []
            : [{ id, path, line: at + 1, isRetired: /\bretired\b/i.test(text) }]
        }),
    )

/** `Verifies: EVT-R03, EVT-R04` in comments of tests, `requirement: 'EVT-R03'` in kits. */
const citations = (house: House): readonly Mention[] =>
  house.sources
    .filter(({ path }) => !path.startsWith('tooling/'))
    .flatMap(({ path, lines }) =>
      lines.flatMap((text, at) => {
        const cited = /(?:Verifies:|requirement:)(.*)$/.exec(text)?.[1] ?? ''
        return [...cited.matchAll(ID)].map(([id]) => ({ id, path, line: at + 1 }))
      }),
    )

/** Ids that a README promises by. */
const promises = (house: House): readonly Mention[] =>
  house.paths
    .filter((path) => /^(packages|apps)\/[^/]+\/README\.md$/.test(path))
    .flatMap((path) =>
      house
        .text(path)
        .split('\n')
        .flatMap((text, at) => [...text.matchAll(ID)].map(([id]) => ({ id, path, line: at + 1 }))),
    )

/** Both ways: what is cited exists, and what is required is cited. */
export const requirements: Rule = {
  id: 'requirements',
  reason: 'A guarantee is worth what the test behind it is worth, so each leads to the other.',
  check(house) {
    const declared = declarations(house)
    const known = new Set(declared.map(({ id }) => id))
    const cited = citations(house)
    const covered = new Set(cited.map(({ id }) => id))
    const twice = declared.filter(
      ({ id }, at) => declared.findIndex((other) => other.id === id) !== at,
    )
    const unknown = [...cited, ...promises(house)].filter(({ id }) => !known.has(id))
    const untested = declared.filter(({ id, isRetired }) => !isRetired && !covered.has(id))
    const say = (mentions: readonly Mention[], message: string): readonly Finding[] =>
      mentions.map(({ id, path, line }) => ({ path, line, message: `${id} ${message}` }))
    return [
      ...say(twice, 'is declared a second time: give the next free number'),
      ...say(unknown, 'is not in docs/requirements'),
      ...say(untested, 'is verified by no test: cite it with `Verifies:`, or retire it'),
    ]
  },
}
