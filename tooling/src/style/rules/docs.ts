/** Documents: numbers are given once, and links lead somewhere. */
import { posix } from 'node:path'
import type { House } from '../house.ts'
import type { Finding, Rule } from '../rule.ts'

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g

/** Markdown that is ours to keep right; a changelog speaks of files as they were. */
const documents = (house: House): readonly string[] =>
  house.paths.filter(
    (path) => path.endsWith('.md') && !path.endsWith('CHANGELOG.md') && !path.startsWith('.'),
  )

/** A heading's anchor, as the usual renderers make it. */
const anchorsOf = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.matchAll(/^#+\s+(.*)$/gm)].map((match) =>
      (match[1] ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  )

const isDead = (house: House, path: string, link: string): boolean => {
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? path : posix.join(posix.dirname(path), file).replace(/\/$/, '')
  const isFolder = house.paths.some((each) => each.startsWith(`${target}/`))
  if (!house.has(target)) return !isFolder
  if (anchor === undefined || !target.endsWith('.md')) return false
  return !anchorsOf(house.text(target)).has(anchor)
}

const deadLinks = (house: House, path: string): readonly Finding[] => {
  let isCode = false
  return house
    .text(path)
    .split('\n')
    .flatMap((text, at) => {
      if (/^\s*```/.test(text)) isCode = !isCode
      if (isCode) return []
      return [...text.replaceAll(/`[^`]*`/g, '').matchAll(LINK)]
        .map((match) => match[1] ?? '')
        .filter((link) => !/^[a-z]+:/.test(link) && isDead(house, path, link))
        .map((link) => ({ path, line: at + 1, message: `${link} leads nowhere` }))
    })
}

/** `docs/adr/0001-name.md` and `docs/rfc/0001-name.md`: a number names one document. */
const numbersTwice = (house: House): readonly Finding[] => {
  const seen = new Map<string, string>()
  return house.paths.flatMap((path) => {
    const match = /^(docs\/(?:adr|rfc))\/([^/]+)\.md$/.exec(path)
    if (match === null) return []
    const number = /^(\d{4})-[a-z0-9-]+$/.exec(match[2] ?? '')?.[1]
    if (number === undefined) {
      return [{ path, line: 1, message: 'is not named NNNN-words-in-lower-case.md' }]
    }
    const key = `${match[1]}/${number}`
    const other = seen.get(key)
    seen.set(key, path)
    return other === undefined ? [] : [{ path, line: 1, message: `has the number of ${other}` }]
  })
}

/** Addresses on the network are not asked for: a test must not depend on who answers. */
export const docs: Rule = {
  id: 'docs',
  reason: 'A link that leads nowhere costs every reader the minutes its writer saved.',
  check: (house) => [
    ...documents(house).flatMap((path) => deadLinks(house, path)),
    ...numbersTwice(house),
  ],
}
