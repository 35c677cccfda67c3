/** What an abort proves, and what it does not. */
import { describe, expect, it } from 'vitest'
import { net } from '../src/index.ts'
import { codeOfNet, connectionsOf, failureOf, grantOn, serve } from './net-kit.ts'

describe('aborting', () => {
  it('does nothing for a call whose signal has fired', async () => {
    const server = await serve((_request, response) => response.end())
    const signal = AbortSignal.abort()
    const request = net.send('g', { url: server.origin, method: 'POST' })
    const grant = grantOn(server, { methods: ['POST'] })
    const tried = await connectionsOf(async () => {
      expect(await codeOfNet(grant, request, { signal })).toBe('ICE_EFFECTS_ABORTED')
    })
    expect(tried).toEqual([])
  })

  it('ends a call at once and closes its connection', async () => {
    const controller = new AbortController()
    const { promise: left, resolve } = Promise.withResolvers<void>()
    const server = await serve((request) => {
      request.on('close', resolve)
      controller.abort()
    })
    const { signal } = controller
    const request = net.fetch('g', { url: server.origin })
    expect(await failureOf(grantOn(server), request, { signal })).toMatchObject({
      code: 'ICE_EFFECTS_NET_INTERRUPTED_UNAVAILABLE',
      data: { sent: true },
    })
    await left
  })

  /** Verifies: EFF-R19 */
  it.each(['net.fetch', 'net.send-once'])(
    'does not claim that nothing was sent once something was: %s',
    async (action) => {
      const controller = new AbortController()
      const server = await serve((request, response) => {
        if (request.url !== '/first') return controller.abort()
        response.writeHead(307, { location: '/second' }).end()
      })
      const url = `${server.origin}/first`
      const keyHeader = 'idempotency-key'
      const request =
        action === 'net.fetch'
          ? net.fetch('g', { url })
          : net.sendOnce('g', { url, method: 'POST', keyHeader, redirect: 'follow' })
      const grant = grantOn(server, { methods: ['GET', 'POST'] })
      const { signal } = controller
      const { code } = await failureOf(grant, request, { signal })
      expect(code).toBe('ICE_EFFECTS_NET_INTERRUPTED_UNAVAILABLE')
    },
  )

  /** Verifies: EFF-R19 */
  it('has sent nothing when it ends while it still looks for the server', async () => {
    const controller = new AbortController()
    const server = await serve((_request, response) => response.end())
    const resolver = {
      resolve: async (): Promise<never> => {
        controller.abort()
        return new Promise(() => undefined)
      },
    }
    const request = net.fetch('g', { url: `http://name.test:${server.port}/` })
    const grant = grantOn(server, { hosts: ['name.test'] })
    const tried = await connectionsOf(async () => {
      const options = { signal: controller.signal, resolver }
      expect(await codeOfNet(grant, request, options)).toBe('ICE_EFFECTS_ABORTED')
    })
    expect(tried).toEqual([])
  })
})
