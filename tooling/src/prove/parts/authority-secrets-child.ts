/**
 * The process whose log is searched: a whole runtime on a file, and a program that has every
 * secret sent to a server, or handed to a started program, that gives it back in every way; and
 * reads files that hold them all.
 */
import { readFileSync } from 'node:fs'
import {
  describeProcesses,
  fileSecrets,
  fileSystemEffects,
  fs,
  net,
  networkEffects,
  proc,
  processEffects,
} from '@ice/effects'
import type {
  EffectCall,
  EffectHandler,
  EffectRequest,
  GrantSpec,
  RunContext,
} from '@ice/runs/ports'
import { createRuntime } from '@ice/runtime'
import type { Planted } from './secret-shapes.ts'

/** What the process is told, as JSON in its first argument. */
export interface SecretsJob {
  readonly path: string
  /** A file of secrets of mode 0600; also where the secrets are read from. */
  readonly secrets: string
  readonly planted: readonly Pick<Planted, 'name' | 'isHeader'>[]
  readonly folder: string
  readonly origin: string
  readonly elsewhere: string
  readonly modes: readonly string[]
  /** What the secrets are given to. */
  readonly way: 'servers' | 'programs'
  /** The control: values are revealed, and nothing is scrubbed. */
  readonly isBare: boolean
}

const job = JSON.parse(process.argv[2] ?? '{}') as SecretsJob

interface Handle {
  readonly $secret: string
  readonly basic?: string
  readonly before?: string
  readonly after?: string
}

/** What a careless runtime would do: values in, and whatever comes back is recorded. */
const careless = (handler: EffectHandler): EffectHandler => ({
  ...handler,
  perform: (call: EffectCall) => {
    const values = JSON.parse(readFileSync(job.secrets, 'utf8')) as Record<string, string>
    const reveal = async ({ $secret, basic, before = '', after = '' }: Handle): Promise<string> => {
      const value = values[$secret] ?? ''
      if (basic === undefined) return before + value + after
      return `Basic ${Buffer.from(`${basic}:${value}`).toString('base64')}`
    }
    // Without the list of what is carried, as if nobody had kept one.
    const { secrets: _, ...rest } = call
    return handler.perform({ ...rest, reveal } as EffectCall)
  },
})

/** Ways in which what a header can hold is sent in a body too. */
const BODIES = new Set(['plain', 'error', 'within', 'noHttp'])

const any = { parse: (value: unknown): unknown => value }

type Effects = Iterable<readonly [id: string, request: EffectRequest<unknown>]>

/** To a server, in headers and bodies. */
function* toServers(): Effects {
  for (const { name, isHeader } of job.planted) {
    const handle = { $secret: name, grant: 'keys' }
    for (const mode of job.modes) {
      const url = `${job.origin}/${mode}`
      const body = { ...handle, before: '<', after: '>' }
      // What is sent once and not answered would wait for a person: there, under a key.
      const send = mode === 'noHttp' ? net.sendOnce : net.send
      if (!isHeader || BODIES.has(mode)) {
        yield [`${name}/send/${mode}`, send('web', { url, method: 'POST', body })]
      }
      if (!isHeader) continue
      const headers = {
        authorization: { ...handle, basic: 'me' },
        'x-secret': { ...handle, before: '<', after: '>' },
      }
      yield [`${name}/fetch/${mode}`, net.fetch('web', { url, headers })]
    }
  }
}

const { sandbox: hasBox } = await describeProcesses()
const open = { write: true, network: true, sandbox: 'unsandboxed' } as const

/** To a program, in a variable and its input: in a box and without one, whole and cut off. */
function* toPrograms(): Effects {
  for (const [at, { name }] of job.planted.entries()) {
    const handle = { $secret: name, grant: 'keys' }
    const stdin = { ...handle, before: '<', after: '>' }
    const started = { program: process.execPath, args: ['teller.ts', `${at}`], stdin }
    const call = { ...started, env: { SECRET: handle } }
    const way = hasBox && at % 4 < 3 ? { write: true } : open
    yield [`${name}/told`, proc.run('tools', { ...call, ...way })]
    const cut = { maxBytes: 20 + at, encoding: at % 2 === 0 ? 'base64' : 'auto' } as const
    if (at % 5 === 0) yield [`${name}/cut`, proc.run('tools', { ...call, ...way, ...cut })]
    yield [`${name}/file`, fs.read('files', { path: `told/${at}.txt` })]
    const wrong = { ...started, args: ['teller.ts', handle as unknown as string] }
    yield [`${name}/wrong`, proc.run('tools', wrong)]
  }
}

/** Out of files that hold them all. */
function* outOfFiles(): Effects {
  for (const path of ['all.txt', 'all.bin']) {
    yield [
      `read/${path}`,
      fs.read('files', { path, encoding: path === 'all.bin' ? 'base64' : 'utf8' }),
    ]
  }
  const fold = {
    start: () => '',
    step: (state: unknown, chunk: Uint8Array) => state + Buffer.from(chunk).toString('utf8'),
    finish: (state: unknown) => String(state),
  }
  yield ['fold', fs.read('files', { path: 'all.txt' }, fold)]
  yield ['list', fs.list('files', { path: 'names' })]
}

/** Every effect of the proof, one after another; what fails is an outcome like any other. */
function* effects(): Effects {
  if (job.way === 'programs') return yield* toPrograms()
  yield* toServers()
  yield* outOfFiles()
}

const program = {
  name: 'leaks',
  version: '1',
  input: any,
  output: any,
  run: async (context: RunContext) => {
    const kinds: Record<string, number> = {}
    const answers: unknown[] = []
    for (const [id, request] of effects()) {
      const outcome = await context.attempt(id, request)
      kinds[outcome.kind] = (kinds[outcome.kind] ?? 0) + 1
      if (answers.length < 200) answers.push(outcome)
    }
    // What a program prints and proposes is what it was given.
    console.log(JSON.stringify(answers))
    console.error(JSON.stringify(answers.slice(0, 50)))
    await context.propose('tell', { agent: 'teller', content: answers as never, reason: 'proof' })
    return { kinds }
  },
}

const port = (origin: string): number => Number(new URL(origin).port)
const actions = ['net.fetch', 'net.send', 'net.send-once', 'proc.run']
const programs = [process.execPath]
const grants: Record<string, GrantSpec> = {
  web: {
    actions: actions.slice(0, 3),
    resource: {
      kind: 'net',
      hosts: ['127.0.0.1'],
      schemes: ['http'],
      ports: [port(job.origin)],
      methods: ['GET', 'POST'],
      addresses: ['loopback'],
    },
  },
  keys: {
    actions,
    resource: { kind: 'secret', prefixes: ['planted'], origins: [job.origin], programs },
  },
  tools: {
    actions: ['proc.run'],
    resource: {
      kind: 'proc',
      root: job.folder,
      programs: [{ path: process.execPath, args: { words: ['teller.ts', { text: 8 }] } }],
      env: ['SECRET'],
      ...open,
    },
  },
  files: { actions: ['fs.read', 'fs.list'], resource: { kind: 'fs', root: job.folder } },
}

const handlers = [...fileSystemEffects(), ...networkEffects(), ...processEffects()]
const ice = await createRuntime({
  path: job.path,
  ...(job.isBare ? { effects: handlers.map(careless) } : { secrets: fileSecrets(job.secrets) }),
})
const { run, stretch } = await ice.runs.execute(program as never, {}, { grants })
process.send?.({ run, stretch })
await ice.close()
process.disconnect?.()
