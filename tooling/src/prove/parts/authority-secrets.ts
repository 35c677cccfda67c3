/**
 * A5: no secret that an effect carries, and none that a store holds, is found in anything that is
 * recorded or printed, however it comes back.
 *
 * Fifty secrets of many shapes are sent to a server that gives them back in bodies, headers,
 * redirects, errors and chunks, plain and encoded; files hold them all. The same are handed to
 * programs, in a variable and the standard input, which write them on their streams and into files.
 * Then the raw bytes of the log, its WAL, blobs and segments, of temporary files that stayed, of
 * all that the process printed, and of what the commands show are searched, by a search that shares
 * nothing with what scrubs. A control that scrubs nothing has to be found out, secret by secret: a
 * canary that nobody could find proves nothing.
 */
import { spawn } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { CheckRecorder } from '../../harness/recorder.ts'
import type { TopicContext } from '../../harness/topics.ts'
import { projectRoot } from '../../lib/house.ts'
import { quickFolder } from '../../lib/quick-folder.ts'
import type { SecretsJob } from './authority-secrets-child.ts'
import { needlesOf, type Planted, plantedSecrets } from './secret-shapes.ts'

type Context = TopicContext & CheckRecorder

const SECRETS = 50

const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
const chunksOf = (bytes: Buffer, size: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  )
const ascii = (text: string): string => text.replaceAll(/[^ -~]/g, '').slice(0, 1_500)

type Answer = (said: string, response: ServerResponse, elsewhere: string) => void

const text =
  (encode: (said: string) => string | Buffer): Answer =>
  (said, response) =>
    response.end(encode(said))

const percent = (said: string): string => encodeURIComponent(said)
const base64 = (said: string): string => Buffer.from(said).toString('base64')

/** How the server gives back what it was told, by the path it was asked at. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  plain: text((said) => `you said ${said}`),
  json: text((said) => JSON.stringify({ said, deep: { [said]: [said] } })),
  jsonTwice: text((said) => JSON.stringify(JSON.stringify({ said }))),
  percent: text(percent),
  percentTwice: text((said) => percent(percent(said))),
  base64: text((said) => base64(`a${said}b`)),
  base64url: text((said) => Buffer.from(`ab${said}`).toString('base64url')),
  base64Twice: text((said) => base64(base64(said))),
  base64Percent: text((said) => base64(percent(said))),
  hex: text((said) => Buffer.from(said).toString('hex')),
  hexCapital: text((said) => Buffer.from(said).toString('hex').toUpperCase()),
  hexBase64: text((said) => Buffer.from(base64(said)).toString('hex')),
  html: text(html),
  binary: text((said) => Buffer.concat([Buffer.from([0, 255]), Buffer.from(said)])),
  gzip: (said, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(said))
  },
  headers: (said, response) => {
    const value = ascii(said)
    response.writeHead(200, { etag: `"${value}"`, link: base64(value), server: value }).end('x')
  },
  error: (said, response) => {
    response.writeHead(500, { warning: ascii(said) }).end(`failed: ${said}`)
  },
  within: (said, response) => {
    response.writeHead(302, { location: `/landed/${percent(said)}?k=${percent(said)}` }).end(said)
  },
  away: (said, response, elsewhere) => {
    response.writeHead(302, { location: `${elsewhere}/${percent(said)}` }).end(said)
  },
  broken: (said, response) => {
    response.writeHead(302, { location: `ftp://x/${percent(said)}` }).end()
  },
  chunks: (said, response) => {
    for (const chunk of chunksOf(Buffer.from(`you said ${said}`), 7)) response.write(chunk)
    response.end()
  },
  noHttp: (said, response) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\n${ascii(said)}\r\n\r\n`)
  },
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

interface Echo {
  readonly origin: string
  /** Secrets that arrived here, by their names. */
  readonly arrived: Set<string>
  close(): Promise<void>
}

const echo = async (planted: readonly Planted[], elsewhere: string): Promise<Echo> => {
  const arrived = new Set<string>()
  const server: Server = createServer(async (request, response) => {
    const said = `${await bodyOf(request)}${request.headers['x-secret'] ?? ''}`
    const auth = request.headers.authorization ?? ''
    for (const { name, value } of planted) if (said.includes(`<${value}>`)) arrived.add(name)
    const path = (request.url ?? '/').slice(1)
    const answer = Object.hasOwn(ANSWERS, path) ? ANSWERS[path] : ANSWERS['plain']
    answer?.(`${said} ${auth}`, response, elsewhere)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

interface Ran {
  readonly printed: Buffer
  readonly told: { readonly run?: string; readonly stretch?: unknown }
}

/** Runs a file of Node's to its end. */
const ran = (args: readonly string[], temporary?: string): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      ...(temporary === undefined ? {} : { env: { ...process.env, TMPDIR: temporary } }),
    })
    const printed: Buffer[] = []
    let told: Ran['told'] = {}
    child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => printed.push(chunk))
    child.on('message', (message) => {
      told = message as Ran['told']
    })
    child.once('error', reject)
    child.once('close', () => resolve({ printed: Buffer.concat(printed), told }))
  })

/** What lies in a folder, file by file, whatever it is. */
const filesBelow = (folder: string): ReadonlyMap<string, Buffer> => {
  const names = readdirSync(folder, { recursive: true }).map(String)
  const files = names.filter((name) => statSync(join(folder, name)).isFile())
  return new Map(files.map((name) => [name, readFileSync(join(folder, name))]))
}

type Way = SecretsJob['way']

interface Trial {
  readonly places: ReadonlyMap<string, Buffer>
  readonly stretch: unknown
  readonly arrived: number
}

const child = fileURLToPath(new URL('./authority-secrets-child.ts', import.meta.url))
const teller = fileURLToPath(new URL('./secret-teller.ts', import.meta.url))
const command = join(projectRoot, 'apps/ice/bin/ice.mjs')

/** What the folder has that effects read from, and programs write to. */
const furnish = (folder: string, planted: readonly Planted[]): void => {
  for (const name of ['names', 'got', 'told']) mkdirSync(join(folder, name), { recursive: true })
  copyFileSync(teller, join(folder, 'teller.ts'))
  const everything = planted.map(({ name, value }) => `${name} = ${value}`).join('\n')
  writeFileSync(join(folder, 'all.txt'), everything)
  writeFileSync(
    join(folder, 'all.bin'),
    Buffer.concat([Buffer.from([255]), Buffer.from(everything)]),
  )
  for (const { value } of planted) {
    if (/^[a-z0-9]{1,64}$/i.test(value)) writeFileSync(join(folder, 'names', value), '')
  }
}

/** How many secrets programs had, whole, in both places; and none on a command line. */
const arrivedIn = (folder: string, planted: readonly Planted[]): number => {
  const got = planted.map(({ value }, at) => {
    const text = readFileSync(join(folder, 'got', `${at}.json`), 'utf8')
    const { said, input, seen } = JSON.parse(text) as Record<string, unknown>
    if (seen !== 0) throw new Error(`${seen} command lines have secret ${at}`)
    return said === value && input === `<${value}>`
  })
  return got.filter(Boolean).length
}

interface TrialInit {
  readonly planted: readonly Planted[]
  readonly way: Way
  readonly isBare: boolean
}

const trial = async (base: string, { planted, way, isBare }: TrialInit): Promise<Trial> => {
  const [store, folder, temporary] = [join(base, 'store'), join(base, 'files'), join(base, 'tmp')]
  for (const each of [store, temporary]) mkdirSync(each, { recursive: true })
  furnish(folder, planted)
  const secrets = join(base, 'secrets.json')
  const values = Object.fromEntries(planted.map(({ name, value }) => [name, value]))
  writeFileSync(secrets, JSON.stringify(values), { mode: 0o600 })
  const [far, path] = ['http://127.0.0.9:9', join(store, 'ice.db')]
  const server = await echo(planted, far)
  try {
    const job: SecretsJob = {
      path,
      secrets,
      planted: planted.map(({ name, isHeader }) => ({ name, isHeader })),
      folder,
      origin: server.origin,
      elsewhere: far,
      modes: Object.keys(ANSWERS),
      way,
      isBare,
    }
    const { printed, told } = await ran([child, JSON.stringify(job)], temporary)
    const places = new Map([...filesBelow(store), ...filesBelow(temporary)])
    places.set('printed', printed)
    const run = told.run ?? ''
    for (const args of [
      ['events', '--store', path, '--raw'],
      ['events', '--store', path, '--json'],
      ['show', run, '--store', path],
      ['why', `run/${run}@9`, '--store', path],
    ]) {
      const shown = await ran([command, ...args])
      places.set(`ice ${args[0]} ${args.at(-1)}`, shown.printed)
    }
    const arrived = way === 'servers' ? server.arrived.size : arrivedIn(folder, planted)
    return { places, stretch: told.stretch, arrived }
  } finally {
    await server.close()
  }
}

/** Where each secret is found, by name. */
const findings = (
  planted: readonly Planted[],
  places: ReadonlyMap<string, Buffer>,
): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>()
  for (const { name, value } of planted) {
    for (const [how, needle] of needlesOf(value)) {
      for (const [place, bytes] of places) {
        if (!bytes.includes(needle)) continue
        found.set(name, [...(found.get(name) ?? []), `${how} in ${place}`])
      }
    }
  }
  return found
}

const insisted = ({ stretch, arrived, places }: Trial, planted: readonly Planted[]): void => {
  const { kind, result } = (stretch ?? {}) as { kind?: string; result?: { conclusion?: string } }
  if (kind !== 'concluded' || result?.conclusion !== 'committed') {
    const printed = places.get('printed')?.toString().slice(-2_000)
    throw new Error(`the run ended ${JSON.stringify(stretch)?.slice(0, 500)}: ${printed}`)
  }
  if (arrived !== planted.length) throw new Error(`${arrived} of ${planted.length} arrived`)
  for (const [place, bytes] of places) {
    const isShown = place.startsWith('ice ')
    if (isShown && bytes.length < 200) throw new Error(`"${place}" showed ${bytes.toString()}`)
  }
}

const sizeOf = (places: ReadonlyMap<string, Buffer>): number =>
  [...places.values()].reduce((sum, bytes) => sum + bytes.length, 0)

/** The part of the proof of authority that is about secrets. */
export const authoritySecrets = async (context: Context): Promise<void> => {
  const planted = plantedSecrets(SECRETS)
  const base = quickFolder('ice-secrets-')
  // No box has a root in /dev, where quick folders are.
  const disk = mkdtempSync(join(tmpdir(), 'ice-secrets-'))
  try {
    await proveSecrets(context, { planted, way: 'servers' }, base)
    await proveSecrets(context, { planted, way: 'programs' }, disk)
  } finally {
    for (const folder of [base, disk]) rmSync(folder, { recursive: true, force: true })
  }
}

const proveSecrets = async (
  context: Context,
  { planted, way }: Omit<TrialInit, 'isBare'>,
  base: string,
): Promise<void> => {
  const canary = `a log without a scrubber gives away every secret that ${way} have`
  await context.check(canary, async () => {
    const bare = await trial(join(base, 'bare'), { planted, way, isBare: true })
    insisted(bare, planted)
    const found = findings(planted, bare.places)
    const missing = planted.filter(({ name }) => !found.has(name)).map(({ name }) => name)
    if (missing.length > 0) throw new Error(`the search does not find ${missing.join()}`)
    const ways = [...found.values()].reduce((sum, one) => sum + one.length, 0)
    context.say(
      `  control: ${found.size} secrets found, ${ways} times, in ${sizeOf(bare.places)} bytes`,
    )
    return found.size
  })
  const claim = `no secret that ${way} have is in the log, in what was printed or shown`
  await context.check(claim, async () => {
    const kept = await trial(join(base, 'kept'), { planted, way, isBare: false })
    insisted(kept, planted)
    const found = findings(planted, kept.places)
    if (found.size > 0) {
      const told = [...found].map(([name, where]) => `${name}: ${where.slice(0, 3).join(', ')}`)
      throw new Error(`${found.size} found: ${told.slice(0, 8).join('; ')}`)
    }
    const ways = planted.reduce((sum, { value }) => sum + needlesOf(value).size, 0)
    const sent = way === 'servers' ? `sent ${Object.keys(ANSWERS).length} ways` : 'handed over'
    context.say(
      `  ${planted.length} secrets ${sent}, ` +
        `${ways} forms looked for in ${sizeOf(kept.places)} bytes of ${kept.places.size} places: 0`,
    )
    return planted.length
  })
}
