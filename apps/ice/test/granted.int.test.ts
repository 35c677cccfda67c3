import { chmodSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describeProcesses } from '@ice/effects'
import { afterAll, describe, expect, it } from 'vitest'
import { complaint, emptyFolder, json } from './support/command.ts'
import { CARRIER, DELIVER, STARTS } from './support/programs.ts'

const SECRET = 'correct-horse-battery-staple'

const seen: (string | undefined)[] = []
const server = createServer((request, response) => {
  seen.push(request.headers.authorization)
  response.end(`you said ${request.headers.authorization}`)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
afterAll(() => void server.close())

/** Verifies: CLI-R32 */
describe('a run that carries a secret', () => {
  const folder = emptyFolder()
  folder.file('carrier.ts', CARRIER)
  const api = `api=net.fetch:net:${origin};addresses=loopback`
  const keys = `keys=net.fetch:secret:api/token;origins=${origin}`
  const start = ['run', './carrier.ts', '--input', JSON.stringify({ url: `${origin}/` }), '--json']
  const granted = ['--grant', api, '--grant', keys]
  const configured = (secrets: unknown): string =>
    folder.file('ice.config.json', JSON.stringify({ secrets }))

  it('has it from a variable that the configuration names, and records no value', async () => {
    configured({ environment: { 'api/token': 'API_TOKEN' } })
    const env = { API_TOKEN: SECRET, OTHER: 'x' }
    const ended = await folder.iceWith({ env }, ...start, ...granted)
    expect(ended.stderr).not.toContain('error')
    expect(ended.code).toBe(0)
    expect(seen.at(-1)).toBe(`Bearer ${SECRET}`)
    expect(json(ended)).toMatchObject({ value: 'you said Bearer [secret]' })
    const events = await folder.ice('events', '--raw')
    expect(events.stdout).toContain('api/token')
    expect(events.stdout).not.toContain(SECRET)
  })

  it('has it from a file that nobody else can read', async () => {
    const file = folder.file('keys.json', JSON.stringify({ 'api/token': SECRET }))
    chmodSync(file, 0o600)
    configured({ file: './keys.json' })
    const ended = await folder.ice(...start, ...granted)
    expect(ended.code).toBe(0)
    expect(seen.at(-1)).toBe(`Bearer ${SECRET}`)
    chmodSync(file, 0o644)
    const asked = seen.length
    const refused = await folder.ice(...start, ...granted)
    expect(refused.code).not.toBe(0)
    expect(complaint(refused)).toMatchObject({ code: 'ICE_EFFECTS_SECRET_FILE_UNSUPPORTED' })
    expect(seen).toHaveLength(asked)
  })

  it('is denied it without a grant for it, and for another origin', async () => {
    configured({ environment: { 'api/token': 'API_TOKEN' } })
    const env = { API_TOKEN: SECRET }
    const asked = seen.length
    for (const other of ['origins=https://a.test', 'programs=/usr/bin/git']) {
      const wrong = `keys=net.fetch:secret:api/token;${other}`
      const ended = await folder.iceWith({ env }, ...start, '--grant', api, '--grant', wrong)
      expect(ended.code).toBe(5)
    }
    const without = await folder.iceWith({ env }, ...start, '--grant', api)
    expect(without.code).toBe(5)
    expect(seen).toHaveLength(asked)
  })

  it('is told by the doctor what has no value, and never a value', async () => {
    configured({ environment: { 'api/token': 'API_TOKEN', 'mail/key': 'MAIL_KEY' } })
    const ended = await folder.iceWith({ env: { API_TOKEN: SECRET } }, 'doctor', '--json')
    const { findings } = json<{ findings: readonly { readonly id: string }[] }>(ended)
    const found = findings.find(({ id }) => id === 'secrets')
    expect(found).toMatchObject({ state: 'fair', found: expect.stringContaining('mail/key') })
    expect(ended.stdout).not.toContain(SECRET)
  })
})

/** Verifies: CLI-R31 */
describe('a run whose input is labelled', () => {
  const folder = emptyFolder()
  folder.file('deliver.ts', DELIVER)
  const input = ['--input', JSON.stringify({ path: 'a.txt', document: 'words' })]
  const start = ['run', './deliver.ts', ...input, '--json']
  const out = (caveat: string): readonly string[] => ['--grant', `out=fs.replace:.;${caveat}`]

  it('is refused where its arguments are not trusted, or not for these readers', async () => {
    const trusted = out('trusted=/content')
    expect((await folder.ice(...start, ...trusted)).code).toBe(0)
    const untrusted = await folder.ice(...start, ...trusted, '--label', '/document=mail:inbox')
    expect(untrusted.code).toBe(5)
    expect(json<{ error: { code: string } }>(untrusted).error.code).toBe('ICE_RUNS_EFFECT_DENIED')
    const readers = out('readers=os:bob;readers-at=/content')
    const shut = await folder.ice(...start, ...readers, '--reader', '/document=os:eve')
    expect(shut.code).toBe(5)
    const open = await folder.ice(...start, ...readers, '--reader', '/document=os:bob')
    expect(open.code).toBe(0)
  })

  it('keeps what is held out of what the program has seen', async () => {
    const held = ['--label', '/document=mail:inbox', '--hold', '/document']
    const path = out('trusted=/path')
    expect((await folder.ice(...start, ...path, ...held)).code).toBe(0)
    const mark = ['--label', '/document=mail:inbox']
    expect((await folder.ice(...start, ...path, ...mark)).code).toBe(5)
    const whole = out('trusted')
    expect((await folder.ice(...start, ...whole, ...held)).code).toBe(5)
  })

  it('is refused before anything is recorded where a pointer names nothing', async () => {
    const before = await folder.ice('runs', '--json')
    const ended = await folder.ice(...start, '--label', '/documents=mail:inbox')
    expect([ended.code, complaint(ended).code]).toEqual([2, 'ICE_CLI_USAGE_UNSUPPORTED'])
    expect((await folder.ice('runs', '--json')).stdout).toBe(before.stdout)
  })
})

const { sandbox } = await describeProcesses()

/** Verifies: CLI-R03 */
describe.skipIf(!sandbox)('a run that starts programs, where boxes work', () => {
  const folder = emptyFolder()
  folder.file('starts.ts', STARTS)
  const grant = ['--grant', 'echo=proc.observe:proc:/bin/echo;root=.;args=hello|bye,{text:8}*2']

  it('gives them what the grant says, and no other word', async () => {
    const start = ['run', './starts.ts', ...grant, '--json', '--input']
    const said = await folder.ice(...start, '{"args":["hello","you"]}')
    expect(json(said)).toMatchObject({ value: 'hello you\n' })
    for (const args of ['["hi"]', '["hello","-n"]', '["hello","a","b","c"]']) {
      expect((await folder.ice(...start, `{"args":${args}}`)).code).toBe(5)
    }
  })
})
