/** Dependencies in line-based manifests and in Maven's XML. Pure and total. */

import { LINE_CHARACTERS_MAX } from './limits.ts'
import type { Declared } from './manifest.ts'
import type { Dependency } from './ports.ts'

/** One requirement as PEP 508 writes it: `requests[socks] >= 2.8 ; python_version < "3"`. */
export function requirement(text: string): Dependency {
  const found = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*([^;]*)/.exec(text)
  if (found === null) return { name: text.trim(), version: '' }
  const version = (found[2] ?? '').trim().replace(/^\((.*)\)$/, '$1')
  return { name: found[1] ?? '', version: version.replaceAll(/\s+/g, '') }
}

/** `requirements.txt`: options, comments and includes are no dependencies. */
export function requirementsDependencies(source: string): readonly Dependency[] {
  return shortLines(source.replaceAll(/\\\r?\n/g, ' '))
    .map((line) => line.replace(/(?:^|\s)#.*$/, '').trim())
    .filter((line) => line !== '' && !line.startsWith('-'))
    .map((line) => requirement(line.replace(/\s--\S+.*$/, '')))
}

/** `go.mod`: what is required, directly or not. */
export function goDependencies(source: string): readonly Dependency[] {
  const found: Dependency[] = []
  let isBlock = false
  for (const line of shortLines(source)) {
    const text = line.trim()
    if (/^require\s*\(/.test(text)) isBlock = true
    else if (isBlock && text.startsWith(')')) isBlock = false
    else if (isBlock || /^require\s/.test(text)) {
      const [name = '', version = ''] = text
        .replace(/^require\s+/, '')
        .replace(/\/\/.*$/, '')
        .trim()
        .split(/\s+/)
      if (name === '') continue
      const isIndirect = /\/\/\s*indirect/.test(text)
      found.push(isIndirect ? { name, version, scope: 'indirect' } : { name, version })
    }
  }
  return found
}

/** Lines, but for those that no person wrote. */
function shortLines(source: string): readonly string[] {
  return source.split(/\r?\n/).filter((line) => line.length <= LINE_CHARACTERS_MAX)
}

/** `pom.xml`: each `<dependency>`, those that are only managed included. Properties stay names. */
export function pomDependencies(source: string): Declared {
  const text = without(source, '<!--', '-->')
  const dependencies = [...between(text, '<dependency>', '</dependency>')].map((match) => {
    const body = without(match, '<exclusions>', '</exclusions>')
    const scope = element(body, 'scope')
    const name = `${element(body, 'groupId') ?? ''}:${element(body, 'artifactId') ?? ''}`
    const version = element(body, 'version') ?? ''
    return scope === undefined ? { name, version } : { name, version, scope }
  })
  const [licences] = between(text, '<licenses>', '</licenses>')
  return { dependencies, licence: licences === undefined ? undefined : element(licences, 'name') }
}

/** What stands between each pair of marks. Not a regular expression: those go back and forth. */
function* between(source: string, open: string, close: string): Generator<string> {
  for (let at = 0; ; ) {
    const start = source.indexOf(open, at)
    const end = start < 0 ? -1 : source.indexOf(close, start + open.length)
    if (end < 0) return
    yield source.slice(start + open.length, end)
    at = end + close.length
  }
}

/** The text without what stands between the marks, and without the marks. */
function without(source: string, open: string, close: string): string {
  let kept = ''
  for (let at = 0; ; ) {
    const start = source.indexOf(open, at)
    const end = start < 0 ? -1 : source.indexOf(close, start + open.length)
    if (end < 0) return kept + source.slice(at)
    kept += source.slice(at, start)
    at = end + close.length
  }
}

function element(source: string, name: string): string | undefined {
  const [found = ''] = between(source, `<${name}>`, `</${name}>`)
  const text = found.trim()
  return text === '' ? undefined : text
}
