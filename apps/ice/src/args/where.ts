/** Conditions on runs, as they are typed: `queue=mail`, `tag.tenant=acme`, `in-doubt=yes`. */
import { isRunId, type Timestamp } from '@ice/primitives'
import { RUN_STANDINGS, RUN_STATES } from '@ice/runs'
import type { RunFilter } from '@ice/runs/ports'
import { CLI_CODES, CliError } from '../errors.ts'
import { plain } from '../terminal/text.ts'

/** What an index is asked for by a standing: of runs that are open. */
const STANDINGS = RUN_STANDINGS.filter((one) => one !== 'ended')

type Mutable = { -readonly [K in keyof RunFilter]: RunFilter[K] }

const READ: ReadonlyMap<string, (filter: Mutable, value: string) => boolean> = new Map([
  ['queue', (filter, value) => adds(filter, 'queues', value)],
  ['program', (filter, value) => adds(filter, 'programs', value)],
  ['key', (filter, value) => sets(filter, 'key', value)],
  ['parent', (filter, value) => isRunId(value) && sets(filter, 'parent', value)],
  ['standing', (filter, value) => among(STANDINGS, value) && adds(filter, 'standings', value)],
  [
    'state',
    (filter, value) =>
      among(RUN_STATES, value.toUpperCase()) && adds(filter, 'states', value.toUpperCase()),
  ],
  [
    'in-doubt',
    (filter, value) => among(['yes', 'no'], value) && sets(filter, 'inDoubt', value === 'yes'),
  ],
  ['from', (filter, value) => setsTime(filter, 'from', value)],
  ['before', (filter, value) => setsTime(filter, 'before', value)],
] as const)

function adds(filter: Mutable, name: keyof RunFilter, value: string): boolean {
  const before = (filter[name] ?? []) as readonly string[]
  Object.assign(filter, { [name]: [...before, value] })
  return true
}

function sets(filter: Mutable, name: keyof RunFilter, value: unknown): boolean {
  if (filter[name] !== undefined) return false
  Object.assign(filter, { [name]: value })
  return true
}

function setsTime(filter: Mutable, name: 'before' | 'from', text: string): boolean {
  const isIso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z)?$/.test(text)
  const at = Date.parse(text)
  return isIso && Number.isSafeInteger(at) && sets(filter, name, at as Timestamp)
}

function among(all: readonly string[], value: string): boolean {
  return all.includes(value)
}

/** Reads conditions; those of one name are joined by OR, all others by AND. */
export function parseWhere(texts: readonly string[]): RunFilter {
  const filter: Mutable = {}
  const tags = new Map<string, string>()
  for (const text of texts) {
    const at = text.indexOf('=')
    const [name, value] = [text.slice(0, at), text.slice(at + 1)]
    const tag = name.startsWith('tag.') ? name.slice(4) : ''
    const isRead =
      at > 0 &&
      value !== '' &&
      (tag !== '' ? !tags.has(tag) : READ.get(name)?.(filter, value) === true)
    if (!isRead) {
      throw new CliError(CLI_CODES.usage, `"${plain(text)}" is no condition on runs`, {
        next: [`conditions: ${[...READ.keys()].map((one) => `${one}=…`).join(' ')} tag.<name>=…`],
      })
    }
    if (tag !== '') tags.set(tag, value)
  }
  return tags.size === 0 ? filter : { ...filter, tags: Object.fromEntries(tags) }
}
