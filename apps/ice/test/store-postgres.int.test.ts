/** The whole command line on a PostgreSQL server, as processes of their own. */
import { chmodSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { askServer, findPostgres, type PostgresServer } from '@ice/tooling/lib/postgres-server'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  complaint,
  type Ended,
  emptyFolder,
  type Going,
  json,
  jsonLines,
} from './support/command.ts'
import { ASK, ECHO, PAUSE_GRANT, REPLACE, SLOW } from './support/programs.ts'

const found = await findPostgres()
afterAll(() => found.server?.stop())
const why = found.server === undefined ? ` [${found.why}]` : ''
const server = found.server as PostgresServer

/** Nothing else is called so: where it is found, the password was told. */
const SECRET = 'hunter2Geheim'
const ROLE = `ice_cli_${process.pid}`

const folder = emptyFolder()
const { port } = new URL(server?.url ?? 'postgres://nowhere:1/')
const database = new URL(server?.url ?? 'postgres://nowhere/postgres').pathname.slice(1)
const host = server?.host ?? 'nowhere'

/** Everything that any process has said. */
const told: string[] = []
/** Schemas of logs that were made here. */
const schemas: string[] = []

function freshSchema(): string {
  const schema = `cli${process.pid}-${Date.now().toString(36)}-${schemas.length + 1}`
  schemas.push(schema)
  return schema
}

function address(
  schema: string,
  { password = SECRET, at = database }: { readonly password?: string; readonly at?: string } = {},
): string {
  return `postgres://${ROLE}:${password}@${host}:${port}/${at}?schema=${schema}`
}

async function ice(store: string, ...args: readonly string[]): Promise<Ended> {
  const ended = await folder.iceWith({ env: { ICE_STORE: store } }, ...args)
  told.push(ended.stdout, ended.stderr)
  return ended
}

function start(store: string, ...args: readonly string[]): Going {
  const going = folder.start({ env: { ICE_STORE: store } }, ...args)
  void going.ended.then(({ stdout, stderr }) => told.push(stdout, stderr))
  return going
}

async function good(store: string, ...args: readonly string[]): Promise<Ended> {
  const ended = await ice(store, ...args)
  expect([args, ended.stderr, ended.code]).toEqual([args, ended.stderr, 0])
  return ended
}

const describeOn = describe.skipIf(found.server === undefined)

beforeAll(async () => {
  folder.file('ask.ts', ASK)
  folder.file('echo.ts', ECHO)
  folder.file('slow.ts', SLOW)
  folder.file('replace.ts', REPLACE)
  folder.file('out/out.txt', 'old')
  if (found.server === undefined) return
  await askServer(
    server,
    `CREATE ROLE ${ROLE} LOGIN PASSWORD '${SECRET}';
     GRANT CREATE ON DATABASE "${database}" TO ${ROLE}`,
  )
})

afterAll(async () => {
  if (found.server === undefined || server.power !== undefined) return
  await askServer(server, `DROP OWNED BY ${ROLE} CASCADE; DROP ROLE ${ROLE}`)
})

/** As `slow`, but for its third step of each process, which waits for a file called `go`. */
const GATED = SLOW.replace(
  'const timer = setTimeout(() => resolve({ value: ms, observed: {} }), ms)',
  `steps += 1
      const isHeld = () => steps === 3 && !existsSync('go')
      const look = () => { if (!isHeld()) resolve({ value: ms, observed: {} }) }
      const timer = setInterval(look, ms)`,
).replace('const pause =', "import { existsSync } from 'node:fs'\nlet steps = 0\nconst pause =")

const GRANT = 'out=fs.replace:./out;approval-for=fs.replace'
const mainSchema = freshSchema()
const main = address(mainSchema)
/** The run that the first test takes to its end. */
let first = ''

async function grantOf(run: string): Promise<string> {
  const view = json<{ run: { grants: Record<string, string> } }>(
    await good(main, 'show', run, '--json'),
  )
  return view.run.grants['out'] ?? ''
}

/** Verifies: CLI-R80, CLI-R83 */
describeOn(`a store on PostgreSQL${why}`, () => {
  it('takes a run from its start to its end, by four processes', async () => {
    const words = ['./replace.ts', '--grant', GRANT, '--tag', 'a=b', '--json']
    const asked = await ice(main, 'run', ...words)
    expect([asked.stderr, asked.code]).toEqual([asked.stderr, 7])
    const { run } = json<{ run: string }>(asked)
    first = run
    const waiting = json<{ run: string }[]>(await good(main, 'runs', '--waiting', '--json'))
    expect(waiting.map((each) => each.run)).toEqual([run])
    await good(main, 'approve', run, '--comment', 'go')
    await good(main, 'resume', run, '--program', './replace.ts')
    expect(readFileSync(`${folder.path}/out/out.txt`, 'utf8')).toBe('new')
    const shown = json<{ run: { conclusion: string; tags: object } }>(
      await good(main, 'show', run, '--json'),
    )
    expect(shown.run).toMatchObject({ conclusion: 'committed', tags: { a: 'b' } })
  })

  it('is chosen by option and configuration alike, and repeated without the password', async () => {
    const typed = `${main}&sslmode=disable`
    const asked = await folder.ice('run', './ask.ts', '--store', typed, '--json')
    told.push(asked.stdout, asked.stderr)
    const { resume, run: other } = json<{ resume: string; run: string }>(asked)
    expect(resume).toContain(
      `--store 'postgres://${ROLE}@${host}:${port}/${database}?schema=${mainSchema}&sslmode=disable'`,
    )
    folder.file('server.json', JSON.stringify({ store: address(mainSchema, { password: '' }) }))
    const passwords = folder.file('pgpass', `*:*:*:${ROLE}:${SECRET}\n`)
    chmodSync(passwords, 0o600)
    const words = ['abort', other, '--reason', 'enough', '--config', 'server.json']
    const ended = await folder.iceWith({ env: { PGPASSWORD: SECRET } }, ...words)
    expect([ended.stderr, ended.code]).toEqual([ended.stderr, 0])
    const env = { PGPASSFILE: passwords }
    const shown = await folder.iceWith({ env }, 'show', other, '--config', 'server.json')
    told.push(ended.stdout, ended.stderr, shown.stdout, shown.stderr)
    expect([shown.stderr, shown.code]).toEqual([shown.stderr, 0])
  })

  it('is looked at by every verb that looks', async () => {
    const events = jsonLines<{ type: string; position: number }>(
      (await good(main, 'events', '--jsonl')).stdout,
    )
    const effect = events.find(({ type }) => type === 'CapabilityUsed')
    expect((await good(main, 'why', String(effect?.position))).stdout).toContain('fs.replace')
    const fitting = json<{ run: string }[]>(
      await good(main, 'runs', '--where', 'tag.a=b', '--json'),
    )
    expect(fitting.map((each) => each.run)).toEqual([first])
    expect((await good(main, 'grants', '--run', first)).stdout).toContain('fs.replace')
    const stats = json(await good(main, 'log', 'stats', '--json'))
    expect(stats).toMatchObject({
      schema: mainSchema,
      head: events.length,
      format: 3,
      durability: 'disk',
    })
    const { healthy, findings } = json<{ healthy: boolean; findings: { id: string }[] }>(
      await good(main, 'doctor', '--json'),
    )
    expect(healthy).toBe(true)
    expect(findings.map(({ id }) => id)).toEqual(expect.arrayContaining(['store', 'durability']))
    await good(main, 'fork', first, '--program', './replace.ts', '--input', '{}')
    await good(main, 'replay', '--check', '--programs', './replace.ts', '--run', first)
    expect((await ice(main, 'backtest', '--revoke', await grantOf(first))).code).toBe(9)
    for (const words of [['stop'], ['schedule', 'list']]) await good(main, ...words)
  })
})

/** Verifies: CLI-R80 */
describeOn(`a log on PostgreSQL${why}`, () => {
  it('is written to by every verb that writes', async () => {
    const asked = json<{ run: string }>(await ice(main, 'run', './ask.ts', '--json'))
    await good(main, 'quarantine', asked.run, '--reason', 'look at it')
    await good(main, 'release', asked.run, '--reason', 'looked at')
    await good(main, 'stop', 'agent/nobody', '--reason', 'practice')
    await good(main, 'stop', 'agent/nobody', '--lift', '--reason', 'practice')
    const { run: other } = json<{ run: string }>(
      await ice(main, 'rerun', first, '--program', './replace.ts', '--grant', GRANT, '--json'),
    )
    await good(main, 'revoke', await grantOf(other), '--reason', 'not again')
    const fitting = ['--where', 'program=ask', '--where', 'program=replace']
    await good(main, 'cancel', ...fitting, '--reason', 'all of them')
    expect(json(await good(main, 'runs', '--open', '--json'))).toEqual([])
    await good(main, 'log', 'gc')
  })

  it('is exported, and imported as another log, of a file or of a server', async () => {
    await good(main, 'log', 'export', '--output', 'whole.jsonl')
    const { note } = json<{ note: string }>(await good(main, 'verify', '--json'))
    const there = address(freshSchema())
    const imported = json(await good(there, 'log', 'import', 'whole.jsonl', '--json'))
    expect(imported).toMatchObject({ store: expect.stringMatching(/^postgres:\/\/[^@]*$/) })
    for (const words of [['verify'], ['verify', there], ['log', 'verify']])
      await good(there, ...words, '--noted', note)
    await good('copy.db', 'log', 'import', 'whole.jsonl')
    await good('copy.db', 'verify', '--noted', note)
    // What is there is not imported a second time.
    const again = json(await good(there, 'log', 'import', 'whole.jsonl', '--json'))
    expect(again).toMatchObject({ appended: 0, begun: null })
  })

  it('is not for verbs that are about files, which say what to do instead', async () => {
    const refused = [
      ['log', 'backup', 'copy'],
      ['backup', 'copy'],
      ['log', 'archive'],
      ['log', 'segments'],
    ]
    for (const words of refused) {
      const ended = await ice(main, ...words, '--json')
      expect([words, ended.code]).toEqual([words, 2])
      expect(complaint(ended)).toMatchObject({
        code: 'ICE_CLI_STORE_UNSUPPORTED',
        next: [expect.stringContaining('ice log export')],
      })
    }
    const restored = await ice('x.db', 'log', 'restore', 'whole.jsonl', '--to', main, '--json')
    expect(complaint(restored).code).toBe('ICE_CLI_STORE_UNSUPPORTED')
  })

  it('is worked on by the modules as by the bundle', async () => {
    const home = new URL('../', import.meta.url)
    folder.file(
      'modules.mjs',
      `import { main } from '${new URL('dist/main.js', home).href}'
await main(process.argv.slice(3), {
  version: '0', home: '${new URL('bin/ice.mjs', home).href}', shared: new Map(),
})`,
    )
    const options = { env: { ICE_STORE: main }, nodeArgs: ['modules.mjs'] }
    const ended = await folder.iceWith(options, 'run', './echo.ts', '--input', '{"x":1}', '--json')
    expect([ended.stderr, ended.code]).toEqual([ended.stderr, 0])
    const { run: echoed } = json<{ run: string }>(ended)
    expect(json(await good(main, 'show', echoed, '--json'))).toMatchObject({
      run: { conclusion: 'committed' },
    })
  })
})

/** Verifies: CLI-R83 */
describeOn(`a run on PostgreSQL beside a worker${why}`, () => {
  const store = address(freshSchema())

  it('is driven by the command that began it, and reached from elsewhere', async () => {
    const health = await freePort()
    const programs = ['./ask.ts', './slow.ts', './echo.ts']
    const worker = start(store, 'worker', ...programs, '--health', `${health}`)
    await worker.until('stderr', /worker of ask/)
    const asking = start(store, 'run', './ask.ts', '--wait', '--json')
    await asking.until('stderr', /"notice":"run"/)
    const run = await waiting()
    await good(store, 'approve', run)
    const ended = await asking.ended
    expect([ended.stderr, ended.code]).toEqual([ended.stderr, 0])
    expect(json(ended)).toMatchObject({ run, conclusion: 'committed', value: [{ approved: true }] })

    const pausing = start(
      ...[store, 'run', './slow.ts', '--grant', PAUSE_GRANT, '--json', '--input'],
      '{"steps":10000,"ms":5}',
    )
    const [, slow = ''] = await pausing.until('stderr', /"run":"([^"]+)"/)
    const taken = await ice(store, 'resume', slow, '--program', './slow.ts', '--json')
    expect(taken.code).toBe(4)
    expect(complaint(taken)).toMatchObject({
      code: 'ICE_CLI_RUN_OWNED_CONFLICT',
      next: [expect.stringContaining('--follow'), expect.stringContaining('lease')],
    })
    await good(store, 'abort', slow, '--reason', 'enough')
    expect((await pausing.ended).code).toBe(8)

    const queued = await good(
      ...[store, 'run', './echo.ts', '--queue', 'mail', '--input', '7', '--json'],
    )
    const { run: other } = json<{ run: string }>(queued)
    await worker.until('stderr', new RegExp(`run ${other}  committed`))
    const metrics = await (await fetch(`http://127.0.0.1:${health}/metrics`)).text()
    expect(metrics).toContain('ice_worker_driven_total')
    told.push(metrics)
    worker.child.kill('SIGTERM')
    const { code, stderr } = await worker.ended
    expect([stderr, code]).toEqual([stderr, 0])
    // Neither run was ever the worker's.
    expect(stderr).not.toMatch(new RegExp(`${run}|${slow}`))
  })

  async function waiting(): Promise<string> {
    for (;;) {
      const [next] = json<{ run: string }[]>(await good(store, 'runs', '--waiting', '--json'))
      if (next !== undefined) return next.run
    }
  }
})

/** Verifies: CLI-R83 */
describeOn(`a run on PostgreSQL${why}`, () => {
  const schema = freshSchema()
  const store = address(schema)

  it('whose process is killed is gone on with once its lease is over', async () => {
    const owners = `"${schema}_work".owners`
    folder.file('gated.ts', GATED)
    const words = ['--grant', PAUSE_GRANT, '--json', '--input', '{"steps":9,"ms":20}']
    const killed = start(store, 'run', './gated.ts', ...words)
    const [, run = ''] = await killed.until('stderr', /"run":"([^"]+)"/)
    const following = start(store, 'show', run, '--follow')
    await following.until('stdout', /pause\/2/)
    killed.child.kill('SIGKILL')
    expect((await killed.ended).signal).toBe('SIGKILL')
    folder.file('go', '')
    following.child.kill('SIGINT')
    // As long as nobody can know that it is dead.
    await askServer(server, `UPDATE ${owners} SET until = clock_timestamp() + interval '1 hour'`)
    const early = await ice(store, 'resume', run, '--program', './gated.ts', '--json')
    expect(complaint(early).code).toBe('ICE_CLI_RUN_OWNED_CONFLICT')
    await askServer(server, `UPDATE ${owners} SET until = clock_timestamp()`)
    const ended = await good(store, 'resume', run, '--program', './gated.ts', '--json')
    expect(json(ended)).toMatchObject({ run, value: { done: 9, denied: 0 } })
    const { timeline } = json<{ timeline: { step?: string; kind: string }[] }>(
      await good(store, 'show', run, '--json'),
    )
    const steps = timeline.filter(({ kind }) => kind === 'effect').map(({ step }) => step)
    expect(new Set(steps).size).toBe(steps.length)
  })
})

async function freePort(): Promise<number> {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const taken = listener.address()
  await new Promise((resolve) => listener.close(resolve))
  if (typeof taken !== 'object' || taken === null) throw new TypeError('it has no port')
  return taken.port
}

interface Refusal {
  readonly exit: number | null
  readonly code: string
  readonly reason: unknown
}

async function refusal(where: string, ...words: readonly string[]): Promise<Refusal> {
  const ended = await ice(where, ...words, '--json')
  const { code, data, next = [] } = complaint(ended)
  expect([words, next.length > 0]).toEqual([words, true])
  return { exit: ended.code, code, reason: data?.['reason'] }
}

/** Verifies: CLI-R82 */
describeOn(`a store on PostgreSQL that is not to be found${why}`, () => {
  const schema = freshSchema()
  const store = address(schema)

  const schemasThere = async (): Promise<unknown> =>
    askServer(server, 'SELECT nspname FROM pg_namespace ORDER BY 1')

  it('is not found where none is, and nothing is begun by who looks', async () => {
    const before = await schemasThere()
    const words = [
      ...[['runs', '--where', 'queue=x'], ['verify'], ['log', 'export', '--output', 'e']],
      ...[
        ['log', 'stats'],
        ['log', 'gc'],
        ['resume', '--all'],
        ['approve', '0190'],
      ],
      ...[
        ['cancel', '--where', 'queue=x', '--dry-run'],
        ['fork', '0190'],
      ],
    ]
    for (const each of words) {
      expect([each, await refusal(store, ...each)]).toMatchObject([
        ...[each, { exit: 3, code: 'ICE_CLI_STORE_NOT_FOUND' }],
      ])
    }
    expect((await good(store, 'doctor', '--json')).stdout).toContain('none at')
    expect(await schemasThere()).toEqual(before)
  })

  it('says whether nobody is there, or lets nobody in', async () => {
    const away = `postgres://${ROLE}:${SECRET}@127.0.0.1:1/postgres`
    for (const words of [['runs'], ['run', './echo.ts']]) {
      expect(await refusal(away, ...words)).toEqual({
        ...{ exit: 1, code: 'ICE_EVENTS_UNAVAILABLE', reason: 'connection' },
      })
      const nowhere = address(schema, { at: 'nowhere' })
      expect(await refusal(nowhere, ...words)).toMatchObject({
        ...{ exit: 3, code: 'ICE_CLI_STORE_NOT_FOUND' },
      })
      // Somebody else's server may trust whoever comes.
      if (server.power === undefined) continue
      const wrong = address(schema, { password: `${SECRET}wrong` })
      expect(await refusal(wrong, ...words)).toEqual({
        ...{ exit: 1, code: 'ICE_EVENTS_UNAVAILABLE', reason: 'authentication' },
      })
    }
    expect((await ice(away, 'doctor')).code).toBe(1)
  })

  it('is not named by what is no address', async () => {
    const odd = [`mysql://u:${SECRET}@h/d`, `postgres:/u:${SECRET}@h/d`, `${store}&x=1`]
    for (const text of odd) {
      expect(await refusal(text, 'run', './echo.ts')).toMatchObject({
        ...{ exit: 2, code: 'ICE_CLI_STORE_UNSUPPORTED' },
      })
    }
    // Given in place of something else, it comes back in what the system reports.
    for (const words of [['run'], ['log', 'import'], ['log', 'export', '--output']]) {
      expect((await ice(main, ...words, store)).code).not.toBe(0)
    }
  })
})

/** Verifies: CLI-R82 */
describeOn(`a store on PostgreSQL that cannot be used${why}`, () => {
  const schema = freshSchema()
  const store = address(schema)

  it('is left as it is where it is of another format, or of somebody else', async () => {
    await good(store, 'run', './echo.ts', '--input', '1')
    for (const format of [2, 9]) {
      await askServer(server, `UPDATE "${schema}".log SET format = ${format}`)
      expect(await refusal(store, 'runs')).toMatchObject({
        ...{ exit: 1, code: 'ICE_EVENTS_POSTGRES_FORMAT_UNSUPPORTED' },
      })
    }
    await askServer(server, `UPDATE "${schema}".log SET format = 3`)
    expect(await refusal(address(`${schema}_work`), 'runs')).toMatchObject({
      ...{ exit: 2, code: 'ICE_EVENTS_POSTGRES_SCHEMA_UNSUPPORTED' },
    })
  })

  it('that takes too long is given up by whoever waits', async () => {
    const holder = askServer(
      server,
      `BEGIN; LOCK TABLE "${schema}".events IN ACCESS EXCLUSIVE MODE;
       SELECT pg_sleep(600)`,
    ).catch(() => 'ended')
    onTestFinished(async () => {
      await askServer(server, cancel("query LIKE '%pg_sleep(600)%'"))
      expect(await holder).toBe('ended')
    })
    await until(`SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted
      AND relation = '"${schema}".events'::regclass`)
    const going = refusal(store, 'runs')
    const waits = `usename = '${ROLE}' AND wait_event_type = 'Lock'`
    await until(`SELECT 1 FROM pg_stat_activity WHERE ${waits}`)
    await askServer(server, cancel(waits))
    expect(await going).toEqual({
      ...{ exit: 1, code: 'ICE_EVENTS_UNAVAILABLE', reason: 'timeout' },
    })
  })

  it('is read by a role that may only read', async () => {
    const reader = `${ROLE}_reader`
    await askServer(
      server,
      `CREATE ROLE ${reader} LOGIN PASSWORD '${SECRET}';
       GRANT USAGE ON SCHEMA "${schema}" TO ${reader};
       GRANT SELECT ON ALL TABLES IN SCHEMA "${schema}" TO ${reader}`,
    )
    onTestFinished(async () => {
      await askServer(server, `DROP OWNED BY ${reader}; DROP ROLE ${reader}`)
    })
    const looking = store.replace(ROLE, reader)
    for (const words of [['runs'], ['runs', '--where', 'program=echo'], ['events'], ['verify']])
      await good(looking, ...words)
    expect(await refusal(looking, 'abort', '0190', '--reason', 'x')).toMatchObject({
      ...{ exit: 1, code: 'ICE_EVENTS_UNAVAILABLE', reason: 'permission' },
    })
  })
})

function cancel(which: string): string {
  return `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
    WHERE ${which} AND pid <> pg_backend_pid()`
}

/** Waits for something that the server says of itself. */
async function until(statement: string): Promise<void> {
  while ((await askServer(server, statement)).length === 0);
}

/** Verifies: CLI-R81 */
describeOn(`a password in the address of a store${why}`, () => {
  it('is in nothing that was said, and in no row of any table', async () => {
    expect(told.length).toBeGreaterThan(50)
    expect(told.join('\n')).not.toContain(SECRET)
    const names = schemas.flatMap((schema) => [`'${schema}'`, `'${schema}_work'`])
    const tables = await askServer(
      server,
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname IN (${names.join()})`,
    )
    expect(tables.length).toBeGreaterThan(50)
    for (const { name } of tables) {
      const rows = await askServer(server, `SELECT t::text AS row FROM ${String(name)} t`)
      expect(rows.map(({ row }) => String(row)).join('\n')).not.toContain(SECRET)
    }
  })
})
