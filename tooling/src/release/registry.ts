/**
 * A registry of our packed packages on 127.0.0.1: as much of the npm protocol as an install asks
 * for. It knows `@ice/*` and nothing else; what those depend on comes from the usual registry.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import type { Packed } from './pack.ts'

/** A registry that is listening. */
export interface Registry {
  readonly url: string
  close(): Promise<void>
}

/** The document npm asks for first: the versions of a package and where each lies. */
const packument = ({ name, manifest, file, integrity, shasum }: Packed, url: string): object => ({
  name,
  'dist-tags': { latest: manifest.version },
  versions: {
    [manifest.version]: {
      ...manifest,
      dist: { tarball: `${url}/-/${basename(file)}`, integrity, shasum },
    },
  },
})

/** Listens on a free port until it is closed. */
export const serveRegistry = async (packages: readonly Packed[]): Promise<Registry> => {
  let url = ''
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    const asked = packages.find(({ name }) => path === `/${name}`)
    const wanted = packages.find(({ file }) => path === `/-/${basename(file)}`)
    if (asked !== undefined) {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(packument(asked, url)))
    } else if (wanted !== undefined) response.end(readFileSync(wanted.file))
    else response.writeHead(404).end('{}')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
