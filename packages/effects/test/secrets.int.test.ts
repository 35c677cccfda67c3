import { Buffer } from 'node:buffer'
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { EventId, GrantId, JsonObject, RunId } from '@ice/primitives'
import type { ByteFold, EffectCall, EffectHandler, EffectReport } from '@ice/runs/ports'
import { afterEach, describe, expect, it } from 'vitest'
import {
  environmentSecrets,
  fileSecrets,
  fileSystemEffects,
  fs,
  memorySecrets,
  net,
  networkEffects,
  revealed,
  type SecretHandle,
  type SecretStore,
  withSecrets,
} from '../src/index.ts'
import { folder, openDescriptors, plant } from './kit.ts'
import { grantOn, serve } from './net-kit.ts'

const TOKEN = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a'
const store = memorySecrets({ 'api/token': TOKEN, 'db/password': 'correct horse battery' })
const handle: SecretHandle = { $secret: 'api/token', grant: 'keys' }

interface Request {
  readonly action: string
  readonly arguments: JsonObject
  readonly fold?: ByteFold
}

/** Performs a request with secrets around its handler, as the runtime would. */
async function perform(
  handlers: readonly EffectHandler[],
  request: Request,
  {
    resource,
    carried = ['api/token'],
  }: {
    readonly resource: JsonObject
    readonly carried?: readonly string[]
  },
): Promise<EffectReport> {
  const handler = handlers.find(({ action }) => action === request.action)
  if (handler === undefined) throw new TypeError(`no handler for ${request.action}`)
  const args = handler.arguments.parse(request.arguments)
  const id = '0190a1b2-0000-7000-8000-000000000002' as GrantId
  return handler.perform({
    run: '0190a1b2-0000-7000-8000-000000000001' as RunId,
    effect: 'step',
    attempt: 1,
    idempotencyKey: 'run/step',
    intent: 'run/0190a1b2-0000-7000-8000-000000000001@7' as EventId,
    action: request.action,
    arguments: args,
    resource: handler.resource(args),
    grant: { id, resources: [resource] as unknown as EffectCall['grant']['resources'] },
    secrets: carried.map((name) => ({ name, grant: { id, resources: [] }, chain: [id] })),
    ...(request.fold === undefined ? {} : { fold: request.fold }),
    signal: new AbortController().signal,
  })
}

const any = { parse: (value: unknown): JsonObject => value as JsonObject }

/** A handler that does what it is told with what a handle stands for. */
const telling = (tell: (secret: string) => EffectReport): EffectHandler => ({
  action: 'tell',
  fate: 'observe',
  outcome: 'EffectSucceeded',
  arguments: any,
  resource: () => ({ name: 'tell' }),
  perform: async (call) => tell(await revealed(call, call.arguments['key'] as SecretHandle)),
})

const asked = { action: 'tell', arguments: { key: handle } }
const resource = { kind: 'tool', name: 'tell' }
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { readonly code: string }).code,
  )

/** Verifies: EFF-R40 */
describe('secrets that are carried', () => {
  it('go into headers and bodies of a request, and stay behind when it is sent on', async () => {
    const seen: (readonly unknown[])[] = []
    const other = await serve((request, response) => {
      seen.push([request.headers.authorization, request.headers['x-api-key']])
      response.end('there')
    })
    const server = await serve((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString()
        seen.push([request.headers.authorization, request.headers['x-api-key'], body])
        const location = request.url === '/on' ? `${other.origin}/x` : ''
        if (location !== '') response.writeHead(302, { location }).end()
        else response.end(`you said ${body} and ${request.headers.authorization}`)
      })
    })
    const handlers = await withSecrets(networkEffects(), store)
    const grant = {
      resource: grantOn(server, { ports: [server.port, other.port], methods: ['GET', 'POST'] }),
    }
    const headers = {
      Authorization: { ...handle, before: 'Bearer ' },
      'X-Api-Key': handle,
      accept: 'text/plain',
    }
    const fetched = net.fetch('g', { url: `${server.origin}/on`, headers })
    expect((await perform(handlers, fetched, grant)).value).toMatchObject({ body: 'there' })
    expect(seen).toEqual([
      [`Bearer ${TOKEN}`, TOKEN, ''],
      [undefined, undefined],
    ])
    const sent = net.send('g', {
      url: server.origin,
      method: 'POST',
      headers: { authorization: { $secret: 'api/token', grant: 'keys', basic: 'me' } },
      body: { ...handle, before: '{"secret":"', after: '"}' },
    })
    const { value } = await perform(handlers, sent, grant)
    const basic = `Basic ${Buffer.from(`me:${TOKEN}`).toString('base64')}`
    expect(seen.at(-1)).toEqual([basic, undefined, `{"secret":"${TOKEN}"}`])
    expect(value).toMatchObject({
      body: 'you said {"secret":"[secret]"} and Basic bWU6[secret]Q==',
    })
  })

  it('are recorded in the arguments as handles', async () => {
    const [handler] = await withSecrets(networkEffects(), store)
    const headers = { Authorization: { ...handle, before: 'Bearer ' } }
    expect(handler?.arguments.parse({ url: 'https://a.example', headers })).toMatchObject({
      headers: { authorization: { $secret: 'api/token', grant: 'keys', before: 'Bearer ' } },
    })
  })

  it.each<[JsonObject, string]>([
    [{ authorization: 'Bearer x' }, 'NET_CREDENTIAL'],
    [{ host: handle }, 'NET_HEADER'],
    [{ 'x-a': 'b', 'X-A': handle }, 'NET_HEADER'],
    [{ 'x a': handle }, 'NET_HEADER'],
    [{ authorization: { ...handle, also: 1 } }, 'ARGUMENTS'],
    [{ authorization: { $secret: 'a' } }, 'ARGUMENTS'],
    [{ authorization: { ...handle, basic: 'a:b' } }, 'ARGUMENTS'],
  ])('are no headers of these: %j', async (headers, code) => {
    const [handler] = await withSecrets(networkEffects(), store)
    const parse = async () => handler?.arguments.parse({ url: 'https://a.example', headers })
    expect(await codeOf(parse())).toBe(`ICE_EFFECTS_${code}_UNSUPPORTED`)
  })

  it('are revealed only where the intent names them, by a store that has them', async () => {
    const tell = telling(() => ({ value: null, observed: {} }))
    const around = await withSecrets([tell], store)
    const none = { resource, carried: ['db/password'] }
    expect(await codeOf(perform(around, asked, none))).toBe('ICE_EFFECTS_SECRET_DENIED')
    expect(await codeOf(perform([tell], asked, { resource }))).toBe(
      'ICE_EFFECTS_SECRET_STORE_UNAVAILABLE',
    )
    const gone = { action: 'tell', arguments: { key: { $secret: 'gone', grant: 'keys' } } }
    expect(await codeOf(perform(around, gone, { resource, carried: ['gone'] }))).toBe(
      'ICE_EFFECTS_SECRET_NOT_FOUND',
    )
    expect(await codeOf(perform(around, asked, { resource }))).toBe('done')
  })

  it('have 8 to 8,192 bytes, and a store at most 256 of them', async () => {
    for (const value of ['short12', 'x'.repeat(8_193)]) {
      expect(await codeOf(withSecrets([], memorySecrets({ a: value })))).toBe(
        'ICE_EFFECTS_SECRET_SIZE_LIMIT',
      )
    }
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`n${at}`, TOKEN]))
    expect(await codeOf(withSecrets([], memorySecrets(many)))).toBe(
      'ICE_EFFECTS_SECRET_COUNT_LIMIT',
    )
  })

  it('leave the resource of a call, and the place it is made at, to the handler', async () => {
    const of: EffectHandler['resource'] = (args, place) => ({ kind: 'told', args, ...place })
    const told = { ...telling(() => ({ value: null, observed: {} })), resource: of }
    const [handler] = await withSecrets([told], store)
    const place = { depth: 1, children: 2 }
    expect(handler?.resource({ key: 1 }, place)).toEqual({
      kind: 'told',
      args: { key: 1 },
      ...place,
    })
  })

  it('are texts where a text is wanted', async () => {
    const bytes = memorySecrets({ 'api/token': Buffer.from([255, 1, 2, 3, 4, 5, 6, 7]) })
    const around = await withSecrets([telling(() => ({ value: null, observed: {} }))], bytes)
    expect(await codeOf(perform(around, asked, { resource }))).toBe(
      'ICE_EFFECTS_SECRET_ENCODING_UNSUPPORTED',
    )
  })
})

/** Verifies: EFF-R41, EFF-R43 */
describe('what an effect brings back', () => {
  it('holds no secret: not in values, names, numbers or what is observed', async () => {
    const digits = memorySecrets({ 'api/token': '9007199254740991' })
    const tell = telling((secret) => ({
      value: { [secret]: [`<${secret}>`, Number(secret)], [`${secret}x`]: true },
      observed: { at: { deep: encodeURIComponent(secret) } },
      spent: { bytes: 3 },
    }))
    const report = await perform(await withSecrets([tell], digits), asked, { resource })
    expect(report).toEqual({
      value: { '[secret]': ['<[secret]>', '[secret]'], '[secret]x': true },
      observed: { at: { deep: '[secret]' } },
      spent: { bytes: 3 },
    })
  })

  it('holds none in an error, which keeps its code, nor in what caused it', async () => {
    for (const code of ['BANK_SENT_IN_DOUBT', 'ICE_X_Y_DENIED', 'ENOENT']) {
      const tell = telling((secret) => {
        const cause = Object.assign(new Error(`cause ${secret}`), { code: 'EIO' })
        const data = { where: `at ${Buffer.from(secret).toString('hex')}` }
        throw Object.assign(new Error(`${'long '.repeat(2_000)}${secret}`, { cause }), {
          code,
          data,
        })
      })
      const failed = await perform(await withSecrets([tell], store), asked, { resource }).catch(
        (error: unknown) => error as Error & { readonly code: string; readonly data: JsonObject },
      )
      expect(failed).toMatchObject({ code, data: { where: 'at [secret]' } })
      expect(JSON.stringify([(failed as Error).message, (failed as Error).stack])).not.toContain(
        TOKEN,
      )
      expect(((failed as Error).cause as Error).message).toBe('cause [secret]')
    }
  })

  it('is what was thrown, where nothing had to be taken out', async () => {
    const thrown = Object.assign(new Error('plain'), { code: 'X_Y' })
    const tell = telling(() => {
      throw thrown
    })
    const around = await withSecrets([tell], store)
    await expect(perform(around, asked, { resource })).rejects.toBe(thrown)
  })

  it('is scrubbed of secrets that the call did not carry, in files and for folds', async () => {
    const root = folder()
    plant(root, [`leak = password: correct horse battery, token: ${TOKEN}\n`])
    const around = await withSecrets(fileSystemEffects(), store)
    const grant = { resource: { kind: 'fs', root }, carried: [] }
    const read = await perform(around, fs.read('g', { path: 'leak' }), grant)
    expect(read.value).toBe('password: [secret], token: [secret]\n')
    const fold: ByteFold<string[], string[]> = {
      start: () => [],
      step: (state, chunk) => [...state, Buffer.from(chunk).toString()],
      finish: (state) => state,
    }
    const folded = await perform(around, fs.read('g', { path: 'leak' }, fold), grant)
    expect(folded.value).toEqual(['password: [secret], token: [secret]\n'])
  })

  it('gives bytes in base64 that were scrubbed before', async () => {
    const server = await serve((request, response) => {
      const echo = Buffer.from(`you said ${request.headers.authorization}`)
      response.end(Buffer.concat([Buffer.from([255, 0]), echo]))
    })
    const around = await withSecrets(networkEffects(), store)
    const request = net.fetch('g', { url: server.origin, headers: { authorization: handle } })
    const { value } = await perform(around, request, { resource: grantOn(server) })
    const body = Buffer.from((value as { body: string }).body, 'base64').toString('latin1')
    expect(body).toBe('ÿ\0you said [secret]')
  })

  it('is no compressed body, where a secret was sent: that cannot be looked into', async () => {
    const server = await serve((request, response) => {
      const body = gzipSync(`you said ${request.headers.authorization}`)
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(body)
    })
    const around = await withSecrets(networkEffects(), store)
    const headers = { authorization: handle }
    const grant = { resource: grantOn(server, { methods: ['GET', 'POST'] }) }
    const fetched = perform(around, net.fetch('g', { url: server.origin, headers }), grant)
    expect(await codeOf(fetched)).toBe('ICE_EFFECTS_NET_ENCODING_UNSUPPORTED')
    const request = net.send('g', { url: server.origin, method: 'POST', headers })
    expect((await perform(around, request, grant)).value).toMatchObject({
      status: 200,
      body: null,
      missing: 'ICE_EFFECTS_NET_ENCODING_UNSUPPORTED',
    })
    const plain = await perform(around, net.fetch('g', { url: server.origin }), {
      ...grant,
      carried: [],
    })
    expect(plain.value).toMatchObject({ encoding: 'base64' })
  })

  it('refuses arguments that hold a value, in any form, and does not tell it', async () => {
    const [handler] = await withSecrets([telling(() => ({ value: null, observed: {} }))], store)
    for (const value of [
      TOKEN,
      { a: [`x${TOKEN}`] },
      { [TOKEN]: 1 },
      Buffer.from(TOKEN).toString('hex'),
    ]) {
      const failed = await Promise.resolve()
        .then(() => handler?.arguments.parse({ value }))
        .catch((error: unknown) => error as Error & { readonly code: string })
      expect(failed).toMatchObject({ code: 'ICE_EFFECTS_SECRET_EXPOSED_UNSUPPORTED' })
      expect(String((failed as unknown as Error).message)).not.toContain(TOKEN)
    }
    expect(handler?.arguments.parse({ value: 'fine' })).toEqual({ value: 'fine' })
  })

  it('holds neither the value that was replaced nor the new one', async () => {
    let value = 'first-value-of-it'
    const changing: SecretStore = {
      names: async () => ['api/token'],
      resolve: async () => Buffer.from(value),
    }
    const tell = telling((secret) => ({ value: `first-value-of-it ${secret}`, observed: {} }))
    const around = await withSecrets([tell], changing)
    value = 'second-value-of-it'
    const report = await perform(around, asked, { resource })
    expect(report.value).toBe('[secret] [secret]')
  })
})

/** Verifies: EFF-R44 */
describe('stores of secrets', () => {
  const folders: string[] = []
  afterEach(() => folders.splice(0))

  it('reads variables that are listed, and no others', async () => {
    const environment: Record<string, string | undefined> = {
      API_TOKEN: TOKEN,
      HOME: '/home/me',
      EMPTY: '',
    }
    const variables = {
      'api/token': 'API_TOKEN',
      unset: 'UNSET',
      inherited: 'toString',
      empty: 'EMPTY',
    }
    const listed = environmentSecrets({ environment, variables })
    expect(await listed.names()).toEqual(['api/token', 'unset', 'inherited', 'empty'])
    expect(Buffer.from(await listed.resolve('api/token')).toString()).toBe(TOKEN)
    for (const name of ['unset', 'inherited', 'empty', 'HOME', 'constructor']) {
      expect(await codeOf(listed.resolve(name))).toBe('ICE_EFFECTS_SECRET_NOT_FOUND')
    }
    // A name without a value now is no reason not to start.
    expect(await withSecrets([], listed)).toEqual([])
  })

  it('reads a file that nobody else can read, anew each time', async () => {
    const path = join(folder(), 'secrets.json')
    const write = (value: unknown, mode = 0o600): void => {
      writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value))
      chmodSync(path, mode)
    }
    const file = fileSecrets(path)
    write({ 'api/token': TOKEN, constructor: 'an ordinary name' })
    expect(await file.names()).toEqual(['api/token', 'constructor'])
    write({ 'api/token': 'another value' })
    expect(Buffer.from(await file.resolve('api/token')).toString()).toBe('another value')
    expect(await codeOf(file.resolve('toString'))).toBe('ICE_EFFECTS_SECRET_NOT_FOUND')
    write({ 'api/token': TOKEN }, 0o400)
    expect(await file.names()).toEqual(['api/token'])
    const before = openDescriptors()
    for (const mode of [0o640, 0o604, 0o620, 0o666]) {
      write({ 'api/token': TOKEN }, mode)
      expect(await codeOf(file.names())).toBe('ICE_EFFECTS_SECRET_FILE_UNSUPPORTED')
    }
    for (const content of ['[]', 'nonsense', '{"a":1}', '{"a":"x","a":"y"}', `"${TOKEN}"`]) {
      write(content)
      const failed = await file.names().catch((error: unknown) => error as Error)
      expect(failed).toMatchObject({ code: 'ICE_EFFECTS_SECRET_FILE_UNSUPPORTED' })
      expect((failed as Error).message).not.toContain(TOKEN)
    }
    expect(openDescriptors()).toBe(before)
  })

  it('follows no link, and opens nothing but a file', async () => {
    const root = folder()
    writeFileSync(join(root, 'real'), '{}')
    chmodSync(join(root, 'real'), 0o600)
    symlinkSync('real', join(root, 'link'))
    for (const path of ['link', 'none', '.']) {
      expect(await codeOf(fileSecrets(join(root, path)).names())).toBe(
        'ICE_EFFECTS_SECRET_FILE_UNSUPPORTED',
      )
    }
    expect(await fileSecrets(join(root, 'real')).names()).toEqual([])
  })
})
