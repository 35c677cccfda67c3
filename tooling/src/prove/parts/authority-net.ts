/**
 * A3: no request reaches an address that its grant does not hold, whatever spells it, answers for
 * it, or sends on to it.
 *
 * What counts is not what the subject says. Canaries listen on loopback, and Node tells of every
 * connection that this process tries: both have to stay empty. A bare client is given the same
 * addresses first, so that a canary nobody could reach proves nothing.
 */
import { readFileSync } from 'node:fs'
import { createServer, get, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { projectRoot } from '../../lib/house.ts'
import { vectors } from '../../vectors.ts'
import { addressSpellings } from './address-spellings.ts'
import { connectLog } from './connect-log.ts'
import { nameServer } from './name-server.ts'

type Context = TopicContext & CheckRecorder

/** What spellings are made of: this machine, a cloud's metadata, a private network, nowhere. */
const FORBIDDEN = ['127.0.0.1', '169.254.169.254', '10.0.0.1', '192.168.0.1', '0.0.0.0'] as const

/** Hosts that a grant may name so that only the address is left to refuse. */
const HOSTS = ['*', ...FORBIDDEN, '[::]', '[::1]'] as const

const REBINDS = 500

/** What this file needs of the built `@ice/effects`; tooling depends on no package. */
interface BuiltEffects {
  networkEffects(options: { readonly resolver: Resolver }): readonly {
    readonly action: string
    readonly arguments: { parse(value: unknown): unknown }
    perform(call: unknown): Promise<{ readonly value: unknown }>
  }[]
}

interface Resolver {
  resolve(name: string): Promise<readonly string[]>
}

type Fetch = (url: string, resource: object, resolver: Resolver) => Promise<string>

/** Fetches as the built effects do. @returns the code of the refusal, or `reached` */
const builtFetch = async (): Promise<Fetch> => {
  const entry = pathToFileURL(join(projectRoot, 'packages/effects/dist/index.js')).href
  const { networkEffects } = (await import(entry)) as BuiltEffects
  const { signal } = new AbortController()
  return async (url, resource, resolver) => {
    const handler = networkEffects({ resolver }).find(({ action }) => action === 'net.fetch')
    if (handler === undefined) throw new Error('@ice/effects has no net.fetch')
    const call = { action: 'net.fetch', signal, attempt: 1, idempotencyKey: 'prove' }
    const grant = { id: 'prove', resources: [resource] }
    try {
      const args = handler.arguments.parse({ url, timeoutMs: 5_000 })
      await handler.perform({ ...call, grant, arguments: args })
      return 'reached'
    } catch (error) {
      const { code } = error as { readonly code?: unknown }
      if (typeof code !== 'string') throw error
      return code
    }
  }
}

/** A server that nothing should reach. */
interface Canary {
  readonly port: number
  /** Connections that were opened to it. */
  touched(): number
  close(): Promise<void>
}

const listening = async (server: Server, address: string, port = 0): Promise<Canary> => {
  let touched = 0
  server.on('connection', () => {
    touched += 1
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    touched: () => touched,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

const canary = (address: string, port = 0): Promise<Canary> =>
  listening(
    createServer((_request, response) => response.end('canary')),
    address,
    port,
  )

/** What a client without a guard reaches: whether it got the canary's answer. */
const bareGet = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    try {
      const request = get(url, { timeout: 2_000, agent: false }, (response) => {
        response.resume()
        response.on('close', () => resolve(response.statusCode === 200))
      })
      request.on('timeout', () => request.destroy())
      request.on('error', () => resolve(false))
    } catch {
      // No URL at all: nothing is reached by it.
      resolve(false)
    }
  })

const REFUSALS: ReadonlySet<string> = new Set([
  'ICE_EFFECTS_NET_ADDRESS_DENIED',
  'ICE_EFFECTS_NET_RESOURCE_DENIED',
  'ICE_EFFECTS_NET_REDIRECT_DENIED',
  'ICE_EFFECTS_NET_URL_UNSUPPORTED',
])

/** Codes and how often each came; anything that is no refusal is a hole, or hides one. */
class Tally {
  readonly #counts = new Map<string, number>()

  add(code: string, url: string): void {
    if (!REFUSALS.has(code)) throw new Error(`${JSON.stringify(url)} came to ${code}`)
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1)
  }

  toString(): string {
    const short = (code: string): string => code.replace('ICE_EFFECTS_NET_', '').toLowerCase()
    return [...this.#counts].map(([code, count]) => `${short(code)} ${count}`).join(', ')
  }
}

/** Insists that nothing was reached, by the log and by the canaries. */
const untouched = (tried: readonly string[], canaries: readonly Canary[]): void => {
  const touched = canaries.reduce((sum, each) => sum + each.touched(), 0)
  if (tried.length === 0 && touched === 0) return
  throw new Error(`${touched} connections reached a canary; tried: ${tried.slice(0, 8).join(', ')}`)
}

/** A grant on every host and the port, that holds public addresses alone. */
const publicOnly = (ports: readonly number[]): object => ({
  kind: 'net',
  hosts: HOSTS,
  schemes: ['http', 'https'],
  ports,
})

/** As a public name server would answer for the hosts of the vectors that are names. */
const rebound: Resolver = {
  resolve: async (name) => [/169\.254/.test(name) ? '169.254.169.254' : '127.0.0.1'],
}

const proveVectors = async (context: Context, fetch: Fetch): Promise<void> => {
  const name = 'no URL of the vectors is requested'
  const folder = vectors('ssrf')
  if (folder === undefined) return context.skip(name, 'needs vectors/ssrf')
  await context.check(name, async () => {
    const text = readFileSync(join(folder, 'blocked-urls.json'), 'utf8')
    const urls = [...new Set(JSON.parse(text) as string[])]
    const [tally, log] = [new Tally(), connectLog()]
    try {
      for (const url of urls) {
        const { hostname, port, protocol } = URL.canParse(url) ? new URL(url) : new URL('http://x')
        const host = /^[[\d]/.test(hostname) ? [hostname] : []
        const ports = [Number(port || (protocol === 'https:' ? 443 : 80))]
        const resource = { ...publicOnly(ports), hosts: [...HOSTS, ...host] }
        tally.add(await fetch(url, resource, rebound), url)
      }
      untouched(log.tried, [])
    } finally {
      log.stop()
    }
    context.say(`  ${urls.length} URLs: ${tally}`)
    return urls.length
  })
}

/** Whether a client without a guard stays on this machine with it. */
const isOwn = (url: string): boolean =>
  URL.canParse(url) &&
  /^(?:127\.|0\.0\.0\.0$|\[::1?\]$|\[::ffff:7f|localhost$)/.test(new URL(url).hostname)

const proveSpellings = async (context: Context, fetch: Fetch): Promise<void> => {
  const here = await canary('127.0.0.1')
  const spellings = addressSpellings(FORBIDDEN)
  const own = spellings.filter((spelling) => isOwn(`http://${spelling}/`))
  try {
    let found = 0
    for (const spelling of own) {
      if (await bareGet(`http://${spelling}:${here.port}/`)) found += 1
    }
    const before = here.touched()
    if (found === 0) throw new Error('a bare client does not reach the canary either')
    await context.check('no spelling of a forbidden address is requested', async () => {
      const [tally, log] = [new Tally(), connectLog()]
      const [resource, resolver] = [publicOnly([here.port]), rebound]
      try {
        for (const spelling of spellings) {
          for (const scheme of ['http', 'https']) {
            const url = `${scheme}://${spelling}:${here.port}/`
            tally.add(await fetch(url, resource, resolver), url)
          }
        }
        untouched(log.tried, [])
      } finally {
        log.stop()
      }
      if (here.touched() !== before) throw new Error('the canary was reached')
      context.say(`  ${spellings.length} spellings, twice each: ${tally}`)
      context.say(`  a bare client reaches the canary by ${found} of the ${own.length} of its own`)
      return spellings.length * 2
    })
  } finally {
    await here.close()
  }
}

const proveRedirects = async (context: Context, fetch: Fetch): Promise<void> => {
  const inside = await canary('127.0.0.2')
  const hops = 3
  const server = await listening(
    createServer(({ url = '' }, response) => {
      const asked = new URL(url, 'http://x').searchParams
      const left = Number(asked.get('left'))
      const target = asked.get('to') ?? ''
      const again = `/?left=${left - 1}&to=${encodeURIComponent(target)}`
      response.writeHead([301, 302, 303, 307, 308][left] ?? 302, {
        location: Buffer.from(left > 0 ? again : target).toString('latin1'),
      })
      response.end()
    }),
    '127.0.0.1',
  )
  const targets = [
    `http://127.0.0.2:${inside.port}/`,
    `http://inside.test:${inside.port}/`,
    `http://inside.test:${inside.port}\\@public.test/`,
    ...addressSpellings(FORBIDDEN)
      .filter((spelling) => !/[\s\\]/.test(spelling) && !spelling.startsWith('127.0.0.1'))
      .map((spelling) => `http://${spelling}:${inside.port}/`),
  ]
  const resource = {
    ...publicOnly([server.port, inside.port]),
    addresses: ['public', '127.0.0.1/32'],
    // All but the first machine itself: where it is sent on to has to be refused by its address.
    hosts: ['*', '127.0.0.2', '169.254.169.254', '10.0.0.1', '0.0.0.0', '[::]', '[::1]'],
  }
  const resolver = {
    resolve: async (name: string) => [name === 'start.test' ? '127.0.0.1' : '127.0.0.2'],
  }
  const log = connectLog()
  try {
    await context.check('no redirect leads out of the grant, at the end of a chain', async () => {
      const codes = new Map<string, number>()
      for (const target of targets) {
        const to = encodeURIComponent(target)
        const url = `http://start.test:${server.port}/?left=${hops}&to=${to}`
        const code = await fetch(url, resource, resolver)
        if (code === 'reached') throw new Error(`${target} was reached`)
        codes.set(code, (codes.get(code) ?? 0) + 1)
      }
      const foreign = log.tried.filter((tried) => tried !== `127.0.0.1:${server.port}`)
      untouched(foreign, [inside])
      const wanted = targets.length * (hops + 1)
      if (server.touched() !== wanted) {
        throw new Error(`the chains took ${server.touched()} requests, not ${wanted}`)
      }
      context.say(`  ${targets.length} chains of ${hops + 1} redirects: ${[...codes].join(' ')}`)
      return targets.length
    })
  } finally {
    log.stop()
    await Promise.all([inside.close(), server.close()])
  }
}

const proveRebinding = async (context: Context, fetch: Fetch): Promise<void> => {
  const held = await canary('127.0.0.2')
  const forbidden = await canary('127.0.0.1', held.port)
  // Held at the first question, forbidden at the second, both at the third, and again.
  const names = await nameServer((_name, asked) => {
    const turn = asked % 3
    if (turn === 1) return ['127.0.0.2']
    return turn === 2 ? ['127.0.0.1'] : ['127.0.0.2', '127.0.0.1', '::1']
  })
  const log = connectLog()
  try {
    await context.check('a name server that rebinds leads nobody astray', async () => {
      const resource = {
        ...publicOnly([held.port]),
        hosts: ['rebind.test'],
        addresses: ['127.0.0.2/32'],
      }
      const counts = { reached: 0, refused: 0 }
      for (let tries = 0; tries < REBINDS; tries += 1) {
        const code = await fetch(`http://rebind.test:${held.port}/`, resource, names)
        if (code !== 'reached' && !REFUSALS.has(code)) throw new Error(`it came to ${code}`)
        counts[code === 'reached' ? 'reached' : 'refused'] += 1
      }
      const wanted = Math.ceil(REBINDS / 3)
      if (counts.reached !== wanted) throw new Error(`${counts.reached} were held, not ${wanted}`)
      const foreign = log.tried.filter((tried) => tried !== `127.0.0.2:${held.port}`)
      untouched(foreign, [forbidden])
      const asked = names.questions.filter((question) => question.endsWith(' A')).length
      if (asked !== REBINDS) throw new Error(`${asked} questions for ${REBINDS} calls`)
      context.say(`  ${REBINDS} calls, one question each: ${JSON.stringify(counts)}`)
      return REBINDS
    })
  } finally {
    log.stop()
    await Promise.all([held.close(), forbidden.close(), names.close()])
  }
}

/** The part of the proof of authority that is about the network. */
export const authorityNet = async (context: Context): Promise<void> => {
  const fetch = await builtFetch()
  await proveVectors(context, fetch)
  await proveSpellings(context, fetch)
  await proveRedirects(context, fetch)
  await proveRebinding(context, fetch)
}
