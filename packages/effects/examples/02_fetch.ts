/** Fetches from a server under a grant, and is refused where a redirect leads out of it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { net, networkEffects } from '@ice/effects'
import type { EffectCall, EffectReport, EffectRequest } from '@ice/runs/ports'

const server = createServer(({ url }, response) => {
  if (url === '/hello') response.end('hello')
  else response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end()
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo

// A server of this machine: its host, its port, and that loopback addresses are meant.
const resource = {
  kind: 'net',
  hosts: ['localhost'],
  schemes: ['http'],
  ports: [port],
  addresses: ['loopback'],
}

// What a runtime does once it has authorised a request and recorded the intent.
const handlers = networkEffects()
const perform = async (request: EffectRequest<unknown>): Promise<EffectReport> => {
  const handler = handlers.find(({ action }) => action === request.action)
  if (handler === undefined) throw new TypeError(`nothing carries out ${request.action}`)
  const call = {
    action: request.action,
    arguments: handler.arguments.parse(request.arguments),
    grant: { id: '0190a1b2-0000-7000-8000-000000000002', resources: [resource] },
    idempotencyKey: '0190a1b2-0000-7000-8000-000000000001/fetch',
    attempt: 1,
    signal: new AbortController().signal,
  }
  return handler.perform(call as unknown as EffectCall)
}

const url = `http://localhost:${port}/hello`
const { value, observed } = await perform(net.fetch('api', { url }))
console.log(value) // { url: 'http://localhost:…/hello', status: 200, …, body: 'hello' }
console.log(observed) // { …, address: '127.0.0.1', bytes: 5, sha256: '2cf24dba…' }

const away = net.fetch('api', { url: `http://localhost:${port}/away` })
const refused = await perform(away).catch((error) => error)
console.log(refused.code, refused.data.to) // ICE_EFFECTS_NET_REDIRECT_DENIED http://169.254.169.254/…

server.close()
