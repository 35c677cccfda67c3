/** Verifies: EVT-R67 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Hash, leafHash, nodeHash, sha256Hex } from '@ice/primitives'
import { vectorTest } from '@ice/tooling/vectors'
import { describe, expect, test } from 'vitest'
import { compactRange } from '../src/compact-range.ts'

/** RFC 9162 §2.1.1, word for word: a split at the largest power of two below the size. */
function treeHash(leaves: readonly Hash[]): Hash {
  const [only] = leaves
  if (only === undefined) return sha256Hex('')
  if (leaves.length === 1) return only
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)))
}

describe('a compact range', () => {
  test('has at every size the root of the recursive definition', () => {
    const range = compactRange()
    const leaves: Hash[] = []
    expect(range.root()).toBe(treeHash([]))
    for (let size = 1; size <= 130; size += 1) {
      const leaf = leafHash(`leaf ${size}`)
      leaves.push(leaf)
      range.append(leaf)
      expect(range.root()).toBe(treeHash(leaves))
    }
  })

  test('goes on from its frontier as if it had never stopped', () => {
    const whole = compactRange()
    for (let size = 0; size <= 70; size += 1) {
      const again = compactRange(JSON.parse(JSON.stringify(whole.frontier())))
      expect([again.root(), again.frontier()]).toEqual([whole.root(), whole.frontier()])
      for (const range of [whole, again]) range.append(leafHash(`leaf ${size}`))
      expect(again.root()).toBe(whole.root())
    }
    expect(() => compactRange({ size: 3, peaks: [leafHash('one')] })).toThrow(TypeError)
  })

  vectorTest('tlog-tiles', 'has the signed roots of a log that others wrote', (folder) => {
    const log = join(folder, 'log')
    const bundle = readFileSync(join(log, 'tile/entries/000.p/15'))
    const tile = readFileSync(join(log, 'tile/0/000.p/15')).toString('hex')
    const range = compactRange()
    const roots = [range.root()]
    for (let at = 0; at < bundle.length; ) {
      const end = at + 2 + bundle.readUInt16BE(at)
      const leaf = leafHash(bundle.subarray(at + 2, end))
      expect(leaf).toBe(tile.slice((roots.length - 1) * 64, roots.length * 64))
      range.append(leaf)
      roots.push(range.root())
      at = end
    }
    const signed = Array.from({ length: 16 }, (_, size) => {
      const [, count, root] = readFileSync(join(log, `checkpoint.${size}`), 'utf8').split('\n')
      return [count, Buffer.from(root ?? '', 'base64').toString('hex')]
    })
    expect(roots.map((root, size) => [String(size), root])).toEqual(signed)
  })
})
