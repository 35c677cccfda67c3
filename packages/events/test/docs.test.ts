/** What the documents say of the code is true of it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { leafHash } from '@ice/primitives'
import { describe, expect, test } from 'vitest'
import { eventStoreCases } from '../src/contract/index.ts'
import { composeTaxonomy } from '../src/taxonomy.ts'
import { standardTypes } from '../src/types/index.ts'
import { at, memoryRoom, storedEvents } from './fixtures.ts'

const docs = (path: string): URL => new URL(`../../../docs/${path}`, import.meta.url)
const read = (url: URL): string => readFileSync(url, 'utf8')
const idsIn = (text: string): string[] => text.match(/EVT-R\d\d/g) ?? []

describe('the requirements', () => {
  const text = read(docs('requirements/events.md'))
  const stated = [...text.matchAll(/^- (EVT-R\d\d) /gm)].map(([, id]) => id as string)

  test('are stated once each, and every one that is cited is stated', () => {
    expect(stated).toEqual([...new Set(stated)].toSorted())
    const cited = eventStoreCases.map(({ requirement }) => requirement)
    expect(cited.filter((id) => !stated.includes(id))).toEqual([])
  })

  test('are each verified by a case or by a test', () => {
    const here = new URL('.', import.meta.url)
    const tests = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.test.ts'),
    )
    const verified = tests.flatMap((name) => {
      const told = read(new URL(name, import.meta.url)).matchAll(/Verifies: ([^*]*)/g)
      return [...told].flatMap(([, ids = '']) => idsIn(ids))
    })
    const all = new Set([...verified, ...eventStoreCases.map(({ requirement }) => requirement)])
    expect(stated.filter((id) => !all.has(id))).toEqual([])
  })
})

test('the requirements in the package are those of the repository', () => {
  const copy = new URL('../docs/requirements.md', import.meta.url)
  const text = read(docs('requirements/events.md'))
  if (process.env['ICE_UPDATE_FIXTURES'] === '1') writeFileSync(copy, text)
  expect(read(copy)).toBe(text)
})

test('what the README and the guide link to is in the package', () => {
  for (const name of ['../README.md', '../docs/event-store.md']) {
    const url = new URL(name, import.meta.url)
    const links = [...read(url).matchAll(/\]\(([^)#]+)\)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !existsSync(new URL(link, url)))).toEqual([])
    expect(links.filter((link) => link.includes('../..'))).toEqual([])
  }
})

describe('RFC 0001', () => {
  test('shows bytes and hashes as the log writes them', async () => {
    const { clock, log, store } = memoryRoom(composeTaxonomy([...standardTypes]))
    clock.setWall(at(1_767_225_600_123))
    const stream = 'run/0192a1b2-c3d4-7000-8000-000000000001'
    const events = [
      { type: 'RunProvisioned', data: { limits: { effects: 100 } } },
      {
        type: 'AbortRequested',
        principal: 'os:alice',
        causes: [`${stream}@1`],
        cost: { ms: 2 },
        data: { reason: '“enough”\n' },
      },
    ]
    await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] } as never)
    const text = read(docs('rfc/0001-event-format.md'))
    const shown = [
      ...text.matchAll(/^(\d+) bytes, position (\d).*\n\n```json\n(.*)\n```\n\nleaf hash `(.*)`/gm),
    ]
    const written = (await storedEvents(store)).map(({ position, bytes, hash }) => {
      expect(hash).toBe(leafHash(bytes))
      return [String(Buffer.byteLength(bytes)), String(position), bytes, hash]
    })
    expect(shown.map(([, ...parts]) => parts)).toEqual(written)
  })
})

describe('RFC 0002', () => {
  const url = docs('rfc/0002-taxonomy.md')
  const descriptions = composeTaxonomy([...standardTypes]).describeAll()
  const added = descriptions.filter(({ description }) => description.endsWith('(added)'))

  test('has the table of all types (written anew with `ICE_UPDATE_FIXTURES=1`)', () => {
    const rows = descriptions
      .toSorted((a, b) => order(a.category) - order(b.category))
      .map(({ type, category, origins, schema, description }) => {
        const who = origins.map((origin) => (origin === 'agent' ? '`agent:<id>`' : '`runtime`'))
        const what = description.replace(' (added)', '')
        return `| \`${type}\` | ${category} | ${who.join(' ')} | ${schema} | ${what} |`
      })
    const head = [
      '| type | category | may emit | version | what it says |',
      '|---|---|---|---|---|',
    ]
    const table = ['<!-- generated:taxonomy -->', ...head, ...rows, '<!-- /generated -->'].join(
      '\n',
    )
    const text = read(url)
    const fresh = text.replace(/<!-- generated:taxonomy -->[\s\S]*?<!-- \/generated -->/, table)
    if (process.env['ICE_UPDATE_FIXTURES'] === '1') writeFileSync(url, fresh)
    expect(read(url)).toBe(fresh)
  })

  test('argues every added type in one line, and no other', () => {
    const [, section = ''] = read(url).split('### Added types, each with its reason')
    const [table = ''] = section.split('###')
    const argued = [...table.matchAll(/^\| `(\w+)` \| (.{20,}) \|$/gm)].map(([, type]) => type)
    expect(argued.toSorted()).toEqual(added.map(({ type }) => type).toSorted())
  })
})

function order(category: string): number {
  return ['runtime', 'cognitive', 'domain', 'memory', 'capability'].indexOf(category)
}

test('the guide to changing payloads shows the example that is run', () => {
  const example = read(new URL('../examples/02_schema_evolution.ts', import.meta.url))
  expect(read(docs('guides/schema-evolution.md'))).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
})
