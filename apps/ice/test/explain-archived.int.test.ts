import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { emptyFolder, json, jsonLines } from './support/command.ts'
import { CARRIER } from './support/programs.ts'

const SECRET = 'correct-horse-battery-staple'
const server = createServer((_request, response) => response.end('fine'))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
afterAll(() => void server.close())

interface Event {
  readonly id: string
  readonly type: string
}

/** Verifies: CLI-R56 */
describe('a log whose calls carried secrets, and whose runs were moved to segments', () => {
  const folder = emptyFolder()
  folder.file('carrier.ts', CARRIER)
  const secrets = { environment: { 'api/token': 'API_TOKEN' } }
  folder.file('ice.config.json', JSON.stringify({ secrets }))
  const env = { API_TOKEN: SECRET }
  const input = ['--input', JSON.stringify({ url: `${origin}/` })]
  const grants = [
    ...['--grant', `api=net.fetch:net:${origin};addresses=loopback`],
    ...['--grant', `keys=net.fetch:secret:api/token;origins=${origin};expires=1h`],
  ]
  const run = async (): Promise<string> => {
    const ended = await folder.iceWith(
      { env },
      'run',
      './carrier.ts',
      ...input,
      ...grants,
      '--json',
    )
    expect(ended.code).toBe(0)
    return json<{ run: string }>(ended).run
  }
  const eventsOf = async (id: string): Promise<readonly Event[]> =>
    jsonLines<Event>((await folder.ice('events', '--stream', `run/${id}`, '--jsonl')).stdout)

  it('is explained and judged again as before, and tells no value', async () => {
    const id = await run()
    const intent = (await eventsOf(id)).find(({ type }) => type === 'CapabilityUsed')?.id ?? ''
    const before = await folder.ice('why', intent, '--json')
    expect(before.code).toBe(0)
    expect(before.stdout).toContain('api/token')
    const archived = await folder.ice('log', 'archive', '--older-than', '0s', '--json')
    expect(json<{ moved: { runs: number } }>(archived).moved.runs).toBe(1)
    const after = await folder.ice('why', intent, '--json')
    expect(after.stdout).toBe(before.stdout)
    const told = await folder.ice('why', intent)
    expect(told.stdout).toContain('api/token')

    const keys = jsonLines<Event & { readonly data: { readonly label?: string } }>(
      (await folder.ice('events', '--type', 'CapabilityGranted', '--jsonl')).stdout,
    ).find(({ data }) => data.label === 'keys')
    const grant = keys?.id.slice('grant/'.length, -2) ?? ''
    const without = await folder.ice('backtest', '--revoke', grant, '--json')
    expect(without.code).toBe(9)
    expect(without.stdout).toContain('ICE_CAPABILITIES_GRANT_REVOKED')
    for (const { stdout, stderr } of [before, told, without]) {
      expect(stdout + stderr).not.toContain(SECRET)
    }
  })
})
