import { describe, expect, it } from 'vitest'
import { readmeExample } from '../src/release/consumer.ts'
import type { Packed } from '../src/release/pack.ts'
import { serveRegistry } from '../src/release/registry.ts'

describe('the example of a README', () => {
  it('is the first block under its heading, and nothing from another section', () => {
    const readme = [
      '# x\n```ts\nnot this\n```',
      '## Example (examples/01_a.ts)\ntext\n```json\n{}\n```\n```ts\nconst a = 1\n```',
      '```ts\nsecond\n```',
      '## Next\n```ts\nnor this\n```',
    ].join('\n')
    expect(readmeExample(readme)).toEqual({ language: 'ts', text: 'const a = 1\n' })
    expect(readmeExample('## Example\n```sh\nice --version\n```')?.language).toBe('sh')
    expect(readmeExample('## Example\nnone\n## Next\n```ts\nnot this\n```')).toBe(undefined)
  })
})

describe('the registry', () => {
  const packed: Packed = {
    name: '@ice/names',
    file: new URL('../../LICENSE', import.meta.url).pathname,
    manifest: { name: '@ice/names', version: '0.1.0' },
    integrity: 'sha512-x',
    shasum: 'y',
  }

  it('serves the document and the tarball of what was packed, and nothing else', async () => {
    const registry = await serveRegistry([packed])
    const get = (path: string) => fetch(`${registry.url}${path}`)
    const document = (await (await get('/@ice%2fnames')).json()) as {
      versions: Record<string, { dist: { tarball: string } }>
    }
    const tarball = document.versions['0.1.0']?.dist.tarball ?? ''
    expect(tarball).toBe(`${registry.url}/-/LICENSE`)
    expect(await (await fetch(tarball)).text()).toMatch(/^MIT License/)
    expect((await get('/zod')).status).toBe(404)
    await registry.close()
  })
})
