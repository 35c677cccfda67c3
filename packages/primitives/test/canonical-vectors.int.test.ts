import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vectorTest } from '@ice/tooling/vectors'
import { describe, expect, it } from 'vitest'
import { canonicalize, hasCode, parseStrict } from '../src/index.ts'
import { bitsOf, numberStream } from './number-stream.ts'

/** Verifies: PRI-R01 */
describe('canonicalize gives the published text of', () => {
  vectorTest('rfc8785', 'every pair of the RFC 8785 vectors', (folder) => {
    const names = readdirSync(join(folder, 'input'))
    expect(names.length).toBeGreaterThanOrEqual(6)
    for (const name of names) {
      const text = canonicalize(parseStrict(readFileSync(join(folder, 'input', name))))
      const hex = readFileSync(join(folder, 'outhex', name.replace('.json', '.txt')), 'utf8')
      expect([name, text]).toEqual([name, readFileSync(join(folder, 'output', name), 'utf8')])
      expect([name, Buffer.from(text).toString('hex')]).toEqual([name, hex.replace(/\s/g, '')])
    }
  })

  it('the first million numbers of the ECMAScript stream, or refuses an unsafe integer', () => {
    const hash = createHash('sha256')
    let lines = ''
    let refused = 0
    for (const value of numberStream(1_000_000)) {
      let text = String(value)
      if (/^-?\d+$/.test(text) && !Number.isSafeInteger(value)) {
        refused += 1
        expectRefusal(value)
      } else text = canonicalize(value)
      lines += `${bitsOf(value)},${text}\n`
      if (lines.length > 65_536) {
        hash.update(lines)
        lines = ''
      }
    }
    const digest = hash.update(lines).digest('hex')
    expect(digest).toBe('49415fee2c56c77864931bd3624faad425c3c577d6d74e89a83bc725506dad16')
    expect(refused).toBe(8_306)
  })
})

/** Cheaper than a matcher: it is asked thousands of times. */
function expectRefusal(value: number): void {
  for (const run of [() => canonicalize(value), () => parseStrict(String(value))]) {
    let refusal: unknown
    try {
      run()
    } catch (error) {
      refusal = error
    }
    const unsafe =
      hasCode(refusal, 'ICE_PRIMITIVES_CANONICAL_UNSUPPORTED') ||
      hasCode(refusal, 'ICE_PRIMITIVES_JSON_UNSUPPORTED')
    if (!unsafe) expect.fail(`${value} was not refused`)
  }
}

/** Verifies: PRI-R04, PRI-R05 */
describe('hostile strings', () => {
  vectorTest('strings', 'go through text and back unchanged, as values and keys', (folder) => {
    const list = parseStrict(readFileSync(join(folder, 'blns.json'))) as string[]
    expect(list.length).toBeGreaterThanOrEqual(500)
    for (const text of list) {
      const value = { [text]: text }
      expect(parseStrict(canonicalize(value))).toEqual(value)
      expect(JSON.parse(canonicalize(value))).toEqual(value)
    }
  })
})
