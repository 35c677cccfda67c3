/** Verifies: EFF-R29 */

import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventId, GrantId, JsonObject, RunId } from '@ice/primitives'
import type { ByteFold, EffectCall, EffectReport, EffectRequest } from '@ice/runs/ports'
import { describe, expect, it } from 'vitest'
import {
  memorySecrets,
  type ProcessResult,
  proc,
  processEffects,
  type RunRequest,
  type SecretHandle,
  type SecretStore,
  withSecrets,
} from '../src/index.ts'
import { freshRoot, grantOn, hasBox, OPEN, SH } from './proc-kit.ts'

const TOKEN = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a'
const handle: SecretHandle = { $secret: 'api/token', grant: 'keys' }
const store = memorySecrets({ 'api/token': TOKEN, 'db/password': 'correct horse battery' })

/** Performs a request with secrets around the handlers, as the runtime would. */
async function perform(
  resource: JsonObject,
  request: EffectRequest<unknown>,
  options: { readonly secrets?: SecretStore; readonly carried?: readonly string[] } = {},
): Promise<EffectReport> {
  const { secrets = store, carried = ['api/token'] } = options
  const handlers = await withSecrets(processEffects(), secrets)
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

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { readonly code: unknown }).code,
  )

/** Which processes of this machine have a text in what their system tells of them. */
const processesWith = (file: 'cmdline' | 'environ', text: string): readonly string[] =>
  readdirSync('/proc').filter((name) => {
    if (!/^[0-9]+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/${file}`, 'latin1').includes(text)
    } catch {
      return false // it has ended, or is not ours to look into
    }
  })

const MODES = [
  ['in a box', hasBox, { write: true }],
  ['without a box', true, OPEN],
] as const

describe.each(MODES)('secrets of a program %s', (_mode, isPossible, open: Partial<RunRequest>) => {
  const test = it.skipIf(!isPossible)
  const granted = (root: string): JsonObject =>
    grantOn(root, { ...(open as JsonObject), env: ['T', 'U'] })
  const script = (text: string, more: Partial<RunRequest> = {}) =>
    proc.run('g', { program: SH, args: ['-c', text], ...open, ...more })
  const wrote = async (text: string, more: Partial<RunRequest> = {}): Promise<ProcessResult> => {
    const env = { T: handle }
    return (await perform(granted(freshRoot()), script(text, { env, ...more })))
      .value as ProcessResult
  }

  test('are in its variables and its standard input, with what stands around them', async () => {
    const root = freshRoot()
    const env = { T: { ...handle, before: 'Bearer ' }, U: { ...handle, basic: 'me' } }
    const stdin = { ...handle, before: '{"key":"', after: '"}\n' }
    const text = 'printf "%s\\n%s" "$T" "$U" > env; cat > stdin'
    const { value } = await perform(granted(root), script(text, { env, stdin }))
    expect(value).toMatchObject({ ended: 'exit', exitCode: 0 })
    const basic = Buffer.from(`me:${TOKEN}`).toString('base64')
    expect(readFileSync(join(root, 'env'), 'utf8')).toBe(`Bearer ${TOKEN}\nBasic ${basic}`)
    expect(readFileSync(join(root, 'stdin'), 'utf8')).toBe(`{"key":"${TOKEN}"}\n`)
  })

  test('are on no command line of the machine while it runs', async () => {
    const root = freshRoot()
    const text = 'touch up; while [ ! -e go ]; do sleep 0.02; done'
    const running = perform(granted(root), script(text, { env: { T: handle }, stdin: handle }))
    let ended = false
    const end = running.finally(() => {
      ended = true
    })
    while (!ended && !existsSync(join(root, 'up'))) await sleep(5)
    const [words, variables] = [processesWith('cmdline', TOKEN), processesWith('environ', TOKEN)]
    writeFileSync(join(root, 'go'), '')
    expect((await end).value).toMatchObject({ ended: 'exit', exitCode: 0 })
    expect(words).toEqual([])
    // The search finds: whoever was started has it in its environment.
    expect(variables.length).toBeGreaterThan(0)
  })

  test('are in nothing it writes, as they are or encoded, on either stream', async () => {
    const shown = await wrote(
      'echo "out $T"; echo "err $T" >&2; printf %s "a$T" | base64 -w 0; ' +
        'printf %s "$T" | od -An -tx1 | tr -d " \\n"',
    )
    expect(shown.stderr.content).toBe('err [secret]\n')
    expect(shown.stdout.content).toMatch(/^out \[secret\]\n[A-Za-z0-9+/]{0,2}\[secret\]/)
    for (const form of [TOKEN, Buffer.from(`a${TOKEN}`).toString('base64').slice(2, -4)]) {
      expect(shown.stdout.content).not.toContain(form)
    }
    expect(shown.stdout.content).not.toContain(Buffer.from(TOKEN).toString('hex'))
  })

  test('are not there where a stream is cut off, nor in base64 of it', async () => {
    const cut = await wrote('printf %s "123$T"', { maxBytes: 8 })
    expect(cut.stdout).toEqual({ content: '123[secr', encoding: 'utf8', truncated: true })
    const hidden = await wrote('printf %s "123$T-"', { encoding: 'base64' })
    const bytes = Buffer.from(hidden.stdout.content ?? '', 'base64')
    expect(bytes.toString('latin1')).toBe('123[secret]-')
    const raw = await wrote('printf "\\377\\376"; printf %s "$T"')
    const content = Buffer.from(raw.stdout.content ?? '', 'base64').toString('latin1')
    expect([raw.stdout.encoding, content]).toEqual(['base64', 'ÿþ[secret]'])
  })

  test('are not told by counts, digests and what was spent', async () => {
    const large = randomBytes(500).toString('hex')
    const lengths = ['short-one', large].map(async (value) => {
      const secrets = memorySecrets({ 'api/token': value })
      const request = script('echo "$T"; cat', { env: { T: handle }, stdin: handle })
      const { observed, spent } = await perform(granted(freshRoot()), request, { secrets })
      return [observed['stdout'], spent?.['bytes']]
    })
    const [short, long] = await Promise.all(lengths)
    const sha256 = createHash('sha256').update('[secret]\n[secret]').digest('hex')
    expect(short).toEqual(long)
    expect(short?.[0]).toEqual({ bytes: 17, sha256 })
  })

  test('are not in what a fold makes of its output', async () => {
    const fold: ByteFold<string, string> = {
      start: () => '',
      step: (state, chunk) => state + Buffer.from(chunk).toString(),
      finish: (state) => state,
    }
    const args = ['-c', 'for i in 1 2 3; do printf %s "<$T>"; done']
    const plain = { program: SH, args, env: { T: handle }, ...open }
    const { value } = await perform(granted(freshRoot()), proc.run('g', plain, fold))
    expect((value as ProcessResult).folded).toBe('<[secret]><[secret]><[secret]>')
  })

  test('that it was not given are taken out of what it writes too', async () => {
    const root = freshRoot()
    writeFileSync(join(root, 'leak'), 'password: correct horse battery')
    const request = script('cat leak')
    const { value } = await perform(granted(root), request, { carried: [] })
    expect((value as ProcessResult).stdout.content).toBe('password: [secret]')
  })

  test('are refused before anything is started', async () => {
    const root = freshRoot()
    const started = (more: Partial<RunRequest>, options = {}): Promise<unknown> =>
      codeOf(perform(granted(root), script('touch started', more), options))
    const env = { T: handle }
    expect(await started({ env }, { carried: [] })).toBe('ICE_EFFECTS_SECRET_DENIED')
    const none = memorySecrets({})
    expect(await started({ env }, { secrets: none })).toBe('ICE_EFFECTS_SECRET_NOT_FOUND')
    const ended = memorySecrets({ 'api/token': 'a value\0--bind\0/\0/' })
    expect(await started({ env }, { secrets: ended })).toBe(
      'ICE_EFFECTS_SECRET_ENCODING_UNSUPPORTED',
    )
    expect(existsSync(join(root, 'started'))).toBe(false)
    expect(await started({ stdin: handle }, { secrets: ended })).toBe('done')
  })
})

describe('arguments of a program with secrets', () => {
  const [run, observe] = processEffects()
  const parse = (args: object, by = run): Promise<unknown> =>
    codeOf(Promise.resolve().then(() => by?.arguments.parse({ program: SH, ...args })))

  it('hold handles, which are recorded as they are, and claim names alone', () => {
    const env = { T: { ...handle, before: 'a' } }
    const args = run?.arguments.parse({ program: SH, env, stdin: handle }) ?? {}
    expect(args).toMatchObject({ env, stdin: handle })
    expect(run?.resource(args)).toMatchObject({ env: ['T'] })
    expect(JSON.stringify(run?.resource(args))).not.toContain('$secret')
  })

  it('are no handles in the argument vector, and say where they belong', async () => {
    const words: unknown[] = [['-c', handle], [{ $secret: 1 }], [JSON.parse('{"$secret":"a"}')]]
    for (const args of words) {
      for (const by of [run, observe]) {
        const failed = await Promise.resolve()
          .then(() => by?.arguments.parse({ program: SH, args }))
          .catch((error: unknown) => error as Error & { readonly code: string })
        expect(failed).toMatchObject({ code: 'ICE_EFFECTS_PROC_SECRET_ARGUMENT_UNSUPPORTED' })
        expect((failed as unknown as Error).message).toMatch(/"env".*"stdin"/)
      }
    }
  })

  it.each<[object, string]>([
    [{ env: { T: { ...handle, before: 'a\0' } } }, 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED'],
    [{ env: { T: { ...handle, after: '\ud800' } } }, 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED'],
    [{ env: { T: { ...handle, also: 1 } } }, 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED'],
    [{ env: { T: { $secret: 'a' } } }, 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED'],
    [{ env: handle }, 'done'], // two variables of these names
    [{ program: handle }, 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED'],
    [{ stdin: { ...handle, before: '\ud800' } }, 'ICE_EFFECTS_ARGUMENTS_UNSUPPORTED'],
    [{ stdin: handle, stdinEncoding: 'base64' }, 'ICE_EFFECTS_ENCODING_UNSUPPORTED'],
  ])('are held to the rules of texts: %j', async (args, code) => {
    expect(await parse(args)).toBe(code)
  })

  it('are bounded without telling a length', async () => {
    const args = run?.arguments.parse({ program: SH, stdin: { ...handle, before: 'ab' } }) ?? {}
    expect(run?.bounds?.(args)).toMatchObject({ bytes: 2 + 8_192 + 2 * 67_108_865 })
    const names = Array.from({ length: 8 }, (_, at) => `T${at}`)
    const large = { ...handle, before: 'x'.repeat(4_096), after: 'x'.repeat(4_000) }
    expect(await parse({ env: Object.fromEntries(names.map((name) => [name, large])) })).toBe(
      'done',
    )
    const many = names.concat('U').map((name) => [name, large])
    expect(await parse({ env: Object.fromEntries(many) })).toBe('ICE_EFFECTS_PROC_ARGUMENTS_LIMIT')
  })
})
