/** Where a log is, as people write it; and what is ever printed of that. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseStore, placeRecord, repeatable } from '../src/config/store.ts'
import { CLI_CODES, CliError } from '../src/errors.ts'
import { complaintLines, complaintRecord } from '../src/terminal/complain.ts'
import { createPaint } from '../src/terminal/paint.ts'

const SECRET = 'hunter2'

function failure(text: string): CliError {
  try {
    parseStore(text, '/work')
  } catch (error) {
    if (error instanceof CliError) return error
  }
  throw new TypeError('it was taken')
}

/** All that a printer could get hold of. */
function printable(text: string): string {
  const place = parseStore(text, '/work')
  return JSON.stringify([place, placeRecord(place), repeatable(text)])
}

/** Verifies: CLI-R80 */
describe('a store', () => {
  it('is a path unless it is an address', () => {
    for (const path of ['a.db', './a b/c.db', '/x/postgres', 'postgres/a', 'C:x', '@:?']) {
      expect(parseStore(path, '/work')).toMatchObject({ kind: 'file' })
      expect(repeatable(path)).toBe(path)
    }
    expect(parseStore('a/b.db', '/work')).toEqual({
      ...{ kind: 'file', path: '/work/a/b.db', name: '/work/a/b.db' },
    })
  })

  it('is a schema of a server, which the client of the server is not told', () => {
    const taken = [
      ['postgres://h/d', 'ice', 'postgres://h/d', 'postgres://h/d?schema=ice'],
      [
        'postgresql://u@h:5/d?schema=t-7',
        't-7',
        'postgresql://u@h:5/d',
        'postgresql://h:5/d?schema=t-7',
      ],
      [
        'postgres://u:p@[::1]/d?schema=a',
        'a',
        'postgres://u:p@[::1]/d',
        'postgres://[::1]/d?schema=a',
      ],
      [
        'postgres:///d?host=/tmp&user=u&password=p&schema=a',
        ...[
          'a',
          'postgres:///d?host=%2Ftmp&user=u&password=p',
          'postgres:///d?host=%2Ftmp&schema=a',
        ],
      ],
      [
        'postgres://h/d?sslmode=require',
        ...['ice', 'postgres://h/d?sslmode=verify-full', 'postgres://h/d?schema=ice'],
      ],
    ] as const
    for (const [text, schema, handed, name] of taken) {
      const place = parseStore(text, '/work')
      expect(place).toMatchObject({ kind: 'postgres', schema, name })
      if (place.kind === 'postgres') expect(place.connection()).toBe(handed)
    }
  })

  it('is repeated with everything but its password', () => {
    expect(repeatable(`postgres://u:${SECRET}@h:5/d?schema=a&sslmode=require`)).toBe(
      'postgres://u@h:5/d?schema=a&sslmode=require',
    )
    expect(repeatable(`postgres://h/d?user=u&password=${SECRET}`)).toBe(
      'postgres://h/d?user=u&schema=ice',
    )
  })

  it('that cannot be read is refused, and not repeated', () => {
    const odd = [
      `mysql://u:${SECRET}@h/d`,
      `postgres:/u:${SECRET}@h/d`,
      `postgres:u:${SECRET}@h/d`,
      `postgres://u:${SECRET}@/d`,
      `postgres://u:12/${SECRET}@h/d`,
      `postgres://u:12?${SECRET}@h/d`,
      `postgres://u:12?${SECRET}=@h/d`,
      `postgres://u:12#${SECRET}@h/d`,
      `postgres://u:${SECRET}@h:x/d`,
      `postgres://u:${SECRET}@h/d?schema=A`,
      `postgres://u:${SECRET}@h/d?schema=`,
      `postgres://u:${SECRET}@h/d?schema=${'a'.repeat(59)}`,
      `postgres://u:${SECRET}@h/d?schema=a&schema=b`,
      `postgres://u:${SECRET}@h/d?channel_binding=require`,
      `postgres://u:${SECRET}@h/d/e`,
    ]
    for (const text of odd) {
      const error = failure(text)
      expect([text, error.code]).toEqual([text, CLI_CODES.store])
      expect(complaintRecord(error)).not.toContain(SECRET)
      expect(error.next.length).toBeGreaterThan(0)
    }
  })
})

/** Verifies: CLI-R81 */
describe('a password of an address', () => {
  it('is in nothing that can be printed, whatever it is made of, and reaches the server', () => {
    const password = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(password, (text) => {
        // Made so that it is not part of anything else in the address by chance.
        const secret = `${SECRET}${text.toWellFormed()}`
        const written = `postgres://u:${encodeURIComponent(secret)}@h/d`
        expect(printable(written)).not.toContain(SECRET)
        const place = parseStore(written, '/work')
        if (place.kind !== 'postgres') throw new TypeError('it is an address')
        expect(decodeURIComponent(new URL(place.connection()).password)).toBe(secret)
        const asParameter = `postgres://h/d?password=${encodeURIComponent(secret)}`
        expect(printable(asParameter)).not.toContain(SECRET)
      }),
    )
  })

  it('is taken out of what the system reports of a path that was an address', () => {
    const cause = new TypeError(`ENOENT: open '/work/postgres:/u:${SECRET}@h/d.partial-7'`)
    const error = new CliError(CLI_CODES.output, `cannot write postgres://u:${SECRET}@h/d`, {
      cause,
    })
    const paint = createPaint(false)
    const told = [complaintRecord(error), ...complaintLines(error, paint, true)].join('\n')
    expect(told).not.toContain(SECRET)
    expect(told).toContain('postgres:/u:…@h/d.partial-7')
    expect(told).toContain('postgres://u:…@h/d')
  })
})
