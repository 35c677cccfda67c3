import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifyLog } from '@ice/events'
import { blobDigest, type StreamVersion, sha256Hex } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { FORMAT } from '../src/format.ts'
import { alice, folder, gather, notes, open, positionOf } from './fixture.ts'

const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url))
const files = readdirSync(fixtures).filter((name) => name.endsWith('.db'))

/** Whatever the format of the file, its events are these, byte for byte. */
const ROOT = '1b1fa636212c8a0e550bbc2425b2ed66ad06e1ea3ddd0d56801a2abafd018ddc'

/** Verifies: ESQ-R05 */
describe('a log of every released format', () => {
  it('is among the fixtures', () => {
    const names = Array.from({ length: FORMAT.version }, (_, i) => `format-${i + 1}.db`)
    expect(files.toSorted()).toEqual(names.toSorted())
  })

  it.each(files)('is opened, read, verified and appended to: %s', async (name) => {
    const path = join(folder(), name)
    copyFileSync(join(fixtures, name), path)
    const { store, log } = open({ path })
    expect(store.inspect()).toMatchObject({ format: FORMAT.version, head: 6, streams: 2 })
    expect(await verifyLog(store)).toMatchObject({ root: ROOT, events: 6, findings: [] })
    const read = await gather(log.read({ stream: alice }))
    expect(read.map(({ data }) => (data as { readonly text: string }).text)).toEqual(
      [0, 1, 2, 3, 4].map((n) => `grüße ${n}`),
    )
    const picture = new TextEncoder().encode('a picture')
    const digest = blobDigest(sha256Hex(picture))
    expect(await store.blobs.read(digest)).toEqual(picture)
    expect(positionOf(await log.append(notes(alice, 1, 5 as StreamVersion)))).toBe(7)
    expect((await verifyLog(store)).findings).toEqual([])
  })
})
