import { describe, expect, it } from 'vitest'
import { generated } from '../../src/style/rules/generated.ts'
import { parseSource } from '../../src/style/source.ts'
import { errorsTable } from '../../src/style/tables/errors-table.ts'
import { limitsTable } from '../../src/style/tables/limits-table.ts'
import { portsTable } from '../../src/style/tables/ports-table.ts'
import { houseFrom, room } from './house-of-texts.ts'

const parse = (text: string) => parseSource('packages/events/src/a.ts', text)

describe('a generated table', () => {
  it('lists error codes of classes and of a table of codes, once each', () => {
    const table = errorsTable(
      parse(`
        export const EVENTS_CODES = {
          /** The stream has moved: a | b. */
          conflict: 'ICE_EVENTS_VERSION_CONFLICT',
        } as const
        /** \`ICE_EVENTS_NOT_OPEN\`: the store is closed. */
        export class NotOpenError extends IceError {
          declare readonly code: 'ICE_EVENTS_NOT_OPEN'
        }
      `),
    )
    expect(table.slice(2)).toEqual([
      '| `ICE_EVENTS_VERSION_CONFLICT` | The stream has moved: a \\| b. |',
      '| `ICE_EVENTS_NOT_OPEN` | the store is closed. |',
    ])
  })

  it('lists limits with the value they come to', () => {
    const table = limitsTable(
      parse(`
        /** @units bytes. One
         * block. */
        export const BLOCK_BYTES = 1_048_576
        /** Bytes of a unit. */
        export const UNIT_BYTES: number = (BLOCK_BYTES - 1) * 2
        /** The largest count. */
        export const COUNT_MAX: number = Number.MAX_SAFE_INTEGER
      `),
    )
    expect(table.slice(2)).toEqual([
      '| `BLOCK_BYTES` | 1,048,576 | bytes. One block. |',
      '| `UNIT_BYTES` | 2,097,150 | Bytes of a unit. |',
      '| `COUNT_MAX` | `Number.MAX_SAFE_INTEGER` | The largest count. |',
    ])
  })

  it('lists interfaces with methods, not shapes of data', () => {
    const table = portsTable(
      parse(`
        /** A store. It keeps events. */
        export interface EventStore { append(): void; read(): void; read(x: 1): void }
        export interface Guard { readonly stream: string }
      `),
    )
    expect(table.slice(2)).toEqual(['| `EventStore` | `append` `read` | A store. |'])
  })

  it('replaces what stands between its marks and nothing else', () => {
    const texts = room('events', {
      'examples/01_append.ts': `import '@ice/events'\n`,
      'README.md': 'before\n<!-- generated:example -->\nold\n<!-- /generated -->\nafter\n',
    })
    expect(generated.repair?.(houseFrom(texts))).toEqual([
      {
        path: 'packages/events/README.md',
        text: [
          'before',
          '<!-- generated:example -->',
          '```ts',
          `import '@ice/events'`,
          '```',
          '<!-- /generated -->',
          'after\n',
        ].join('\n'),
      },
    ])
  })
})
