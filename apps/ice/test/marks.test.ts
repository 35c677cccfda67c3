import { hasCode, labelAt, readLabels, readPointer, writePointer } from '@ice/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inputMarks } from '../src/args/marks.ts'
import { CLI_CODES } from '../src/errors.ts'

const INPUT = { task: 'sum up', document: { body: 'x', 'a=b': 1 }, list: ['one'] }
const TRUSTED = { sources: [], readers: null }

/** Verifies: CLI-R31 */
describe('what a run is told of its input', () => {
  it('is nothing where nothing is said', () => {
    expect(inputMarks({}, INPUT)).toEqual({})
  })

  it('labels parts, and leaves the rest trusted', () => {
    const marks = inputMarks(
      {
        label: ['/document=net:a.test', '/document=net:b=c', '/document/a==b=fs:x'],
        reader: ['/document=os:bob', '/list/0=os:eve'],
        hold: ['/document/body'],
      },
      INPUT,
    )
    expect(marks).toEqual({
      labels: {
        '': TRUSTED,
        '/document': { sources: ['net:a.test', 'net:b=c'], readers: ['os:bob'] },
        '/document/a=b': { sources: ['fs:x'], readers: null },
        '/list/0': { sources: [], readers: ['os:eve'] },
      },
      hold: ['/document/body'],
    })
  })

  it('labels all of it, and says which part is trusted', () => {
    expect(inputMarks({ label: ['=stdin', '/task=trusted'] }, INPUT)).toEqual({
      labels: { '': { sources: ['stdin'], readers: null }, '/task': TRUSTED },
    })
  })

  it.each([
    ['no source', { label: ['/document='] }],
    ['no "="', { label: ['/document'] }],
    ['only "=" that are doubled', { label: ['/document==net:a'] }],
    ['no pointer', { label: ['document=net:a'] }],
    ['a pointer to nothing', { label: ['/documents=net:a'] }],
    ['a pointer through a text', { label: ['/task/0=net:a'] }],
    ['a pointer to what is inherited', { label: ['/constructor=net:a'] }],
    ['trusted, and from somewhere', { label: ['/task=trusted', '/task=net:a'] }],
    ['too many', { label: Array.from({ length: 65 }, () => '=a') }],
    ['no reader', { reader: ['='] }],
    ['a held part that is not there', { hold: ['/x'] }],
  ])('is refused with %s', (_, options) => {
    expect(() => inputMarks(options, INPUT)).toThrow(
      expect.objectContaining({ code: CLI_CODES.usage }),
    )
  })

  it('labels what was named and nothing else, or refuses it, whatever the text', () => {
    const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }).filter(isNamed)
    let labelled = 0
    fc.assert(
      fc.property(key, key, fc.string({ minLength: 1 }), (one, other, source) => {
        const input = Object.fromEntries([one, other].map((each) => [each, 1]))
        const pointer = writePointer([one]).replaceAll('=', '==')
        fc.pre(one !== other && !source.startsWith('='))
        try {
          const { labels } = inputMarks({ label: [`${pointer}=${source}`] }, input)
          const read = readLabels(labels) ?? []
          const from = source === 'trusted' ? [] : [expect.any(String)]
          expect(labelAt(read, [one]).sources).toEqual(from)
          expect(labelAt(read, [other]).sources).toEqual([])
          labelled += 1
        } catch (error) {
          expect(hasCode(error, CLI_CODES.usage) ? 'coded' : error).toBe('coded')
        }
      }),
    )
    expect(labelled).toBeGreaterThan(50)
  })
})

function isNamed(key: string): boolean {
  return readPointer(writePointer([key])) !== undefined && key !== '__proto__'
}
