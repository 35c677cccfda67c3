/** What people type, and the files beside it: the parsers of the command, as they were built. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot } from '../../../lib/house.ts'
import { vectors } from '../../../vectors.ts'
import { jsonCorpus, naughtyStrings } from './corpus.ts'
import { awaited, bytesOf, must, type OpenTarget, sprung, textOf, tried } from './target.ts'
import { grafted } from './values.ts'

/** A module of a package that is not among its exports, as it was built. */
const built = <T>(path: string): Promise<T> =>
  import(pathToFileURL(join(projectRoot, path)).href) as Promise<T>

/** What is used of them, as their sources have it. */
interface Grant {
  parseGrant(
    text: string,
    setting: { readonly now: number; readonly probe: (path: string) => object },
  ): {
    readonly name: string
    readonly spec: {
      readonly actions: readonly string[]
      readonly resource: object
      readonly caveats?: readonly object[]
      readonly expiresAt?: number | null
      readonly delegable?: number
    }
  }
}

interface Duration {
  parseExpiry(text: string, now: number): { readonly at: number } | { readonly fault: string }
}

interface Values {
  wholeNumber(text: string, option: string): number
  tagsOf(pairs: readonly string[]): object
}

interface Input {
  readInput(
    text: string,
    sources: { readonly cwd: string; readonly stdin: AsyncIterable<Uint8Array> },
  ): Promise<unknown>
}

interface Configuration {
  loadConfig(asked: undefined, cwd: string): Promise<object>
  configuredGrants(
    config: object,
    program: string | null,
    now: number,
  ): Readonly<Record<string, { readonly actions: readonly string[] }>>
}

interface Manifests {
  readManifest(
    kind: string,
    text: string,
  ): {
    readonly unreadable?: string
    readonly dependencies: readonly object[]
    readonly count: number
  }
}

interface PostgresTarget {
  settle(options: object): {
    readonly target: { readonly schema: string; readonly channel: string }
    readonly lockWaitMs: number
    readonly readersMax: number
  }
}

const NOW = 1_700_000_000_000

export const openGrant: OpenTarget = async () => {
  const { parseGrant } = await built<Grant>('apps/ice/dist/args/grant.js')
  const probe = (path: string) =>
    path.includes('\0') ? { fault: 'a path holds no NUL' } : { root: `/root/${path}` }
  return {
    corpus: bytesOf(
      'source=fs.read,fs.list:./src;expires=10m;count=5;approval;within=a,b;delegable=3',
      'x=tool.call:tool:a,b;approval-for=tool.call',
      'out=fs.write:fs:./a;;b;expires=2030-01-31T12:00:00Z',
      ...naughtyStrings(vectors).map((text) => `a=b:${text}`),
    ),
    run(bytes) {
      const text = textOf(bytes)
      const read = () => tried(() => parseGrant(text, { now: NOW, probe }))
      const parsed = read()
      must(JSON.stringify(parsed) === JSON.stringify(read()), 'a grant is read alike each time')
      if (parsed === undefined) return false
      const { name, spec } = parsed.value
      must(name.length > 0 && text.startsWith(`${name}=`), 'a grant has the name it was given')
      must(spec.actions.length > 0, 'a grant allows something')
      must((spec.expiresAt ?? Infinity) > NOW, 'a grant ends in the future')
      const resource = text.slice(text.indexOf(':', name.length) + 1)
      const options = resource.replaceAll(';;', '').split(';').length - 1
      const kept = (spec.caveats?.length ?? 0) + Number(spec.expiresAt !== undefined)
      const rest = Number(spec.delegable !== undefined) + Number('within' in spec.resource)
      must(kept + rest === options, 'no option was overlooked')
      return true
    },
  }
}

export const openArguments: OpenTarget = async () => {
  const { parseExpiry } = await built<Duration>('apps/ice/dist/args/duration.js')
  const { wholeNumber, tagsOf } = await built<Values>('apps/ice/dist/args/values.js')
  return {
    corpus: bytesOf(
      '90s',
      '7d',
      '2030-01-31T12:00:00+01:00',
      'k=v',
      '12',
      ...naughtyStrings(vectors),
    ),
    run(bytes) {
      const text = textOf(bytes)
      const expiry = parseExpiry(text, NOW)
      if ('at' in expiry) must(expiry.at > NOW && Number.isSafeInteger(expiry.at), 'it is later')
      const whole = tried(() => wholeNumber(text, '--x'))
      if (whole !== undefined) must(Number.isSafeInteger(whole.value), 'it is a whole number')
      const tags = tried(() => tagsOf(text.split(',')))
      if (tags !== undefined) {
        must(Object.keys(tags.value).length === text.split(',').length, 'every pair is a tag')
      }
      return 'at' in expiry || whole !== undefined || tags !== undefined
    },
  }
}

export const openInput: OpenTarget = async (cwd) => {
  const { readInput } = await built<Input>('apps/ice/dist/args/input.js')
  return {
    corpus: [...jsonCorpus(vectors), ...bytesOf('-', '@input', '@', '@/dev/null/x', '@\u0000')],
    async run(bytes, chance) {
      writeFileSync(join(cwd, 'input'), bytes)
      const stdin = (async function* () {
        yield bytes
      })()
      const text = chance.once(2) ? textOf(bytes) : chance.pick(['-', '@input'])
      const read = await awaited(() => readInput(text, { cwd, stdin }))
      return read !== undefined
    },
  }
}

const CONFIG = {
  store: './ice.db',
  programs: { a: './a.ts', b: { file: './b.ts', grants: {} }, __proto__x: './c.ts' },
  grants: {
    source: {
      actions: ['fs.read'],
      resource: { kind: 'fs', root: '.', within: ['a'] },
      caveats: [{ kind: 'count', max: 3 }, { kind: 'approval' }],
      expires: '10m',
      delegable: 2,
    },
    call: { actions: ['tool.call'], resource: { kind: 'tool', name: 'x' } },
  },
}

export const openConfig: OpenTarget = async (cwd) => {
  const { loadConfig, configuredGrants } = await built<Configuration>(
    'apps/ice/dist/config/config.js',
  )
  mkdirSync(join(cwd, 'a'), { recursive: true })
  const path = join(cwd, 'ice.config.json')
  return {
    corpus: [
      ...bytesOf(JSON.stringify(CONFIG), JSON.stringify(CONFIG, null, 1)),
      ...jsonCorpus(vectors),
    ],
    async run(bytes, chance) {
      const graft = chance.once(3) ? jsonOf(grafted(CONFIG, chance)) : undefined
      writeFileSync(path, graft ?? bytes)
      const config = await awaited(() => loadConfig(undefined, cwd))
      if (config === undefined) return false
      for (const program of [null, 'a', 'b', '__proto__', 'constructor']) {
        const granted = tried(() => configuredGrants(config.value, program, NOW))
        for (const { actions } of Object.values(granted?.value ?? {})) {
          must(actions.length > 0, 'a grant of a configuration allows something')
        }
      }
      return true
    },
  }
}

const jsonOf = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

const MANIFESTS: readonly (readonly [kind: string, text: string])[] = [
  ['package.json', '{"license":"MIT","dependencies":{"a":"^1.0.0"},"devDependencies":{"b":"2"}}'],
  ['requirements.txt', 'a==1.0\nb>=2,<3 # c\n-r other.txt\n'],
  [
    'pyproject.toml',
    '[project]\nname = "x"\ndependencies = ["a>=1", """b"""]\n[tool.x]\ny = { z = 1 }\n',
  ],
  [
    'Cargo.toml',
    '[package]\nlicense = "MIT"\n[dependencies]\na = "1"\nb = { version = "2", x = ["c"] }\n',
  ],
  ['go.mod', 'module x\ngo 1.21\nrequire (\n\ta.b/c v1.2.3 // indirect\n)\n'],
  [
    'pom.xml',
    '<project><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId>' +
      '</dependency></dependencies></project>',
  ],
]

export const openManifests: OpenTarget = async () => {
  const { readManifest } = await built<Manifests>('apps/ice/dist/survey/manifest.js')
  return {
    corpus: bytesOf(...MANIFESTS.map(([, text]) => text)),
    run(bytes, chance) {
      const text = textOf(bytes)
      const [kind] = chance.pick(MANIFESTS)
      const { unreadable, dependencies, count } = readManifest(kind, text)
      must(dependencies.length <= count, 'no more is named than was counted')
      return unreadable === undefined
    },
  }
}

const OPTIONS: readonly unknown[] = [
  { connection: 'postgres://user:secret@localhost:5432/app', schema: 'ice', durability: 'process' },
  {
    connection: { host: 'h', port: 1, database: 'd', user: 'u', password: 'secret', ssl: true },
    lockWaitMs: 1,
    statementTimeoutMs: 2,
    silentTransactionMs: 3,
    connectTimeoutMs: 4,
    readersMax: 5,
  },
]

/** Nothing of a connection that is refused is shown: it may be, or hold, a password. */
export const openPostgresTarget: OpenTarget = async () => {
  const { settle } = await built<PostgresTarget>('packages/events-postgres/dist/target.js')
  return {
    corpus: bytesOf(
      'postgres://user:secret@localhost:5432/app?sslmode=disable',
      'postgresql://%2Fvar%2Frun/db',
      'postgres://u@[::1]:5433/db?host=/x&port=1',
      ...naughtyStrings(vectors).map((text) => `postgres://${text}`),
    ),
    async run(bytes, chance) {
      const options = chance.once(2)
        ? grafted(chance.pick(OPTIONS), chance)
        : { connection: textOf(bytes) }
      // No object at all is a mistake of the program, and told as one.
      if (typeof options !== 'object' || options === null) return false
      const settled = await sprung(() => settle(options))
      if (settled === undefined) return false
      const { target, lockWaitMs, readersMax } = settled.value
      must(/^[a-z][a-z0-9_-]{0,62}$/.test(target.schema), 'a schema can stand in SQL')
      must(/^[a-z0-9_]+$/.test(target.channel), 'a channel can stand in SQL')
      must(
        Number.isSafeInteger(lockWaitMs) && Number.isSafeInteger(readersMax),
        'bounds are counts',
      )
      return true
    },
  }
}
