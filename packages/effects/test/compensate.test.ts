/** Verifies: EFF-R52, EFF-R53 */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { EventId, GrantId, JsonObject, RunId } from '@ice/primitives'
import type {
  CompensationCall,
  CompensationReport,
  EffectCall,
  EffectReport,
  EffectRequest,
} from '@ice/runs/ports'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  EFFECTS_CODES,
  type FileSystemOptions,
  fileSystemEffects,
  fs,
  memorySecrets,
  withSecrets,
} from '../src/index.ts'
import { folder, openDescriptors, plant } from './kit.ts'

const MOVED_ON = EFFECTS_CODES.movedOn
const CORRUPT = EFFECTS_CODES.keptCorrupt

/** Everything below a folder, to the last bit of contents and permissions. */
function snapshot(root: string): Readonly<Record<string, string>> {
  const names = readdirSync(root, { recursive: true }).map(String).toSorted()
  const entries = names.map((name): [string, string] => {
    const place = join(root, name)
    const stats = lstatSync(place)
    const mode = (stats.mode & 0o7777).toString(8)
    if (stats.isSymbolicLink()) return [name, `-> ${readlinkSync(place)}`]
    if (!stats.isFile()) return [`${name}/`, mode]
    return [name, `${mode} ${readFileSync(place).toString('hex')}`]
  })
  return Object.fromEntries(entries)
}

interface Options extends FileSystemOptions {
  readonly within?: readonly string[]
  readonly attempt?: number
}

type Done = EffectReport & { readonly call: EffectCall }

const handlerOf = (action: string, options: FileSystemOptions = {}) => {
  const handler = fileSystemEffects(options).find((one) => one.action === action)
  if (handler === undefined) throw new TypeError(`no handler for ${action}`)
  return handler
}

async function act(
  root: string,
  request: EffectRequest<unknown>,
  { within, attempt = 1, ...options }: Options = {},
): Promise<Done> {
  const handler = handlerOf(request.action, options)
  const args = handler.arguments.parse(request.arguments)
  const resource = { kind: 'fs', root, ...(within === undefined ? {} : { within: [...within] }) }
  const call: EffectCall = {
    run: '0190a1b2-0000-7000-8000-000000000001' as RunId,
    effect: 'step',
    attempt,
    idempotencyKey: 'run/step',
    intent: 'run/0190a1b2-0000-7000-8000-000000000001@7' as EventId,
    action: request.action,
    arguments: args,
    resource: handler.resource(args),
    grant: { id: '0190a1b2-0000-7000-8000-000000000002' as GrantId, resources: [resource] },
    signal: new AbortController().signal,
  }
  return { ...(await handler.perform(call)), call }
}

/** The call that undoes what was done, as the log gives it back. */
function undoing({ call, value, observed, kept }: Done, attempt = 1): CompensationCall {
  return {
    ...call,
    attempt,
    idempotencyKey: `${call.idempotencyKey}/compensation`,
    outcome: 'run/0190a1b2-0000-7000-8000-000000000001@8' as EventId,
    report: { value, observed },
    kept: JSON.parse(JSON.stringify(kept)) as JsonObject,
  }
}

const compensate = async (
  done: Done,
  more: Partial<CompensationCall> = {},
): Promise<CompensationReport> => {
  const handler = handlerOf(done.call.action)
  if (handler.compensate === undefined) throw new TypeError('it cannot be undone')
  return handler.compensate({ ...undoing(done), ...more })
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { readonly code?: unknown }).code ?? error,
  )

const TREE = ['dir/old = old text\n', 'dir/empty = ', 'dir/link -> old', 'top = \u0000\u0001\u0002']
/** Every change there is, on a tree of its own. */
const CHANGES: readonly (readonly [string, EffectRequest<unknown>])[] = [
  ['fs.write of a new file', fs.write('g', { path: 'dir/new', content: 'new' })],
  ['fs.replace of a file', fs.replace('g', { path: 'dir/old', content: 'other' })],
  ['fs.replace of an empty file', fs.replace('g', { path: 'dir/empty', content: 'x' })],
  ['fs.replace with nothing', fs.replace('g', { path: 'top', content: '' })],
  ['fs.replace through a link', fs.replace('g', { path: 'dir/link', content: 'other' })],
  ['fs.replace where nothing was', fs.replace('g', { path: 'new', content: 'x' })],
  ['fs.delete of a file', fs.delete('g', { path: 'dir/old' })],
  ['fs.delete of a link', fs.delete('g', { path: 'dir/link' })],
  ['fs.delete of nothing', fs.delete('g', { path: 'none' })],
  [
    'fs.patch',
    fs.patch('g', {
      path: 'dir/old',
      patch: '@@ -1 +1 @@\n-old text\n+new text\n',
      expected: createHash('sha256').update('old text\n').digest('hex'),
    }),
  ],
]

function planted(): string {
  const root = folder()
  plant(root, TREE)
  chmodSync(join(root, 'dir/old'), 0o640)
  chmodSync(join(root, 'top'), 0o755)
  return root
}

describe.each(CHANGES)('%s', (_name, request) => {
  it('is undone to the last bit, and a second time changes nothing', async () => {
    const root = planted()
    const before = snapshot(root)
    const descriptors = openDescriptors()
    const done = await act(root, request)
    const changed = snapshot(root)
    if (request.arguments['path'] !== 'none') expect(changed).not.toEqual(before)
    const undone = await compensate(done)
    expect(snapshot(root)).toEqual(before)
    expect(undone.observed).toMatchObject({ undone: request.arguments['path'] !== 'none' })
    const times = lstatSync(root).mtimeMs
    const again = await compensate(done, { attempt: 2 })
    expect(again.observed).toEqual({ ...undone.observed, undone: false })
    expect([snapshot(root), lstatSync(root).mtimeMs]).toEqual([before, times])
    expect(openDescriptors()).toBe(descriptors)
  })

  it('is left alone where somebody has gone on from it', async () => {
    for (const goOn of ['content', 'mode', 'kind', 'same size'] as const) {
      const root = planted()
      const done = await act(root, request)
      const path = join(root, String(done.observed['path']))
      rmSync(path, { force: true })
      if (goOn === 'kind') mkdirSync(path)
      else writeFileSync(path, 'somebody else wrote this')
      if (goOn === 'mode' || goOn === 'same size') {
        const left = (done.kept as { now: { bytes: number } | null }).now
        if (left === null) continue
        writeFileSync(path, goOn === 'mode' ? leftBy(request) : '?'.repeat(left.bytes))
        chmodSync(path, goOn === 'mode' ? 0o611 : 0o644)
        // Nothing of another content has no bytes.
        if (goOn === 'same size' && left.bytes === 0) continue
      }
      const moved = snapshot(root)
      expect([goOn, await codeOf(compensate(done))]).toEqual([goOn, MOVED_ON])
      expect(snapshot(root)).toEqual(moved)
    }
  })

  it('is undone by what stands in the log, and by nothing that does not', async () => {
    const root = planted()
    const done = await act(root, request)
    const changed = snapshot(root)
    const kept = done.kept as JsonObject
    const strange: JsonObject[] = [
      {},
      { ...kept, more: 1 },
      { ...kept, path: '' },
      { ...kept, path: 1 },
      { ...kept, now: 'x' },
      { ...kept, before: { kind: 'other' } },
    ]
    for (const one of strange) {
      expect(await codeOf(compensate(done, { kept: one }))).toBe(CORRUPT)
    }
    expect(await codeOf(compensate(done, { kept: { ...kept, path: '../x' } }))).toBe(
      'ICE_EFFECTS_PATH_ESCAPE_DENIED',
    )
    expect(snapshot(root)).toEqual(changed)
  })

  it('is not undone once its signal has fired', async () => {
    const root = planted()
    const done = await act(root, request)
    const changed = snapshot(root)
    const { signal } = { signal: AbortSignal.abort() }
    expect(await codeOf(compensate(done, { signal }))).toBe('ICE_EFFECTS_ABORTED')
    expect(snapshot(root)).toEqual(changed)
  })
})

/** What a change left, so that only the permissions differ. */
function leftBy({ action, arguments: args }: EffectRequest<unknown>): string {
  return action === 'fs.patch' ? 'new text\n' : String(args['content'])
}

describe('what was kept', () => {
  const replace = fs.replace('g', { path: 'f', content: 'new' })
  const why = async (root: string, request: EffectRequest<unknown>, options: Options = {}) => {
    const { kept, observed } = await act(root, request, options)
    expect(kept === undefined).toBe(Object.hasOwn(observed, 'notKept'))
    return observed['notKept']
  }

  it('is nothing where it could not be put back as it was, and that is told', async () => {
    const root = folder()
    plant(root, ['f = text', 'g = 123456789', 'set = x', 'one = y'])
    linkSync(join(root, 'one'), join(root, 'two'))
    chmodSync(join(root, 'set'), 0o4755)
    expect(await why(root, replace, { keptBytesMax: 3 })).toBe('size')
    expect(await why(root, replace, { keptBytesMax: 3 })).toBeUndefined()
    expect(await why(root, fs.delete('g', { path: 'g' }), { keptBytesMax: 8 })).toBe('size')
    expect(await why(root, fs.replace('g', { path: 'set', content: 'x' }))).toBe('mode')
    expect(await why(root, fs.delete('g', { path: 'one' }))).toBe('links')
    expect(await why(root, fs.delete('g', { path: 'f' }), { attempt: 2 })).toBeUndefined()
    expect(await why(root, fs.delete('g', { path: 'f' }), { attempt: 2 })).toBe('repeated')
    expect(await why(root, fs.delete('g', { path: 'none' }))).toBeUndefined()
  })

  it('is nothing of a pipe', async () => {
    const root = folder()
    execFileSync('mkfifo', [join(root, 'pipe')])
    expect(await why(root, fs.delete('g', { path: 'pipe' }))).toBe('kind')
  })

  it.skipIf(process.geteuid?.() !== 0)('is nothing of another owner (as root)', async () => {
    const root = folder()
    plant(root, ['f = text', 'g = text', 'h = text', 'own = text'])
    chownSync(join(root, 'f'), 65_534, 0)
    chownSync(join(root, 'g'), 0, 65_534)
    chownSync(join(root, 'h'), 65_534, 65_534)
    for (const path of ['f', 'g', 'h']) {
      expect(await why(root, fs.replace('g', { path, content: 'x' }))).toBe('owner')
    }
    expect(await why(root, fs.delete('g', { path: 'own' }))).toBeUndefined()
  })

  it.skipIf(process.geteuid?.() === 0)('is nothing that cannot be read (not as root)', async () => {
    const root = folder()
    plant(root, ['f = text'])
    chmodSync(join(root, 'f'), 0o000)
    expect(await why(root, fs.delete('g', { path: 'f' }))).toBe('unreadable')
  })

  it('is of at most 8 MiB, whatever the options say', async () => {
    const root = folder()
    for (const [bytes, expected] of [
      [8 * 1_048_576, undefined],
      [8 * 1_048_576 + 1, 'size'],
    ] as const) {
      writeFileSync(join(root, 'f'), '')
      truncateSync(join(root, 'f'), bytes)
      const done = await act(root, replace, { keptBytesMax: Number.MAX_SAFE_INTEGER })
      expect(done.observed['notKept']).toBe(expected)
      if (expected !== undefined) continue
      // Zeros are six bytes each in JSON, and less than two in base64.
      expect(JSON.stringify(done.kept).length).toBeLessThan(12 * 1_048_576)
      await compensate(done)
      expect(readFileSync(join(root, 'f')).equals(Buffer.alloc(bytes))).toBe(true)
    }
  })

  it('of a repetition is what it surely was', async () => {
    const root = folder()
    plant(root, ['f = one\n'])
    const first = await act(root, fs.replace('g', { path: 'f', content: 'two\n' }))
    // The owner died before this had an outcome: what the first attempt found is lost.
    expect(await why(root, fs.replace('g', { path: 'f', content: 'two\n' }), { attempt: 2 })).toBe(
      'repeated',
    )
    const made = fs.write('g', { path: 'new', content: 'x' })
    await act(root, made)
    await compensate(await act(root, made, { attempt: 2 }))
    expect(readdirSync(root)).toEqual(['f'])
    await compensate(first)
    const { sha256 } = (first.kept as { before: { sha256: string } }).before
    const patch = fs.patch('g', {
      path: 'f',
      patch: '@@ -1 +1 @@\n-one\n+three\n',
      expected: sha256,
    })
    await act(root, patch)
    const repeated = await act(root, patch, { attempt: 2 })
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('three\n')
    await compensate(repeated)
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('one\n')
  })

  it('with a secret in it is not kept: it could not be put back scrubbed', async () => {
    const root = folder()
    plant(root, ['f = token: ghp_16C7e42F292c6912E7710c838347Ae178B4a', 'g = plain'])
    const store = memorySecrets({ t: 'ghp_16C7e42F292c6912E7710c838347Ae178B4a' })
    const handlers = await withSecrets(fileSystemEffects(), store)
    const handler = handlers.find(({ action }) => action === 'fs.delete')
    const done = await act(root, fs.delete('g', { path: 'none' }))
    const deleted = async (path: string): Promise<EffectReport | undefined> =>
      handler?.perform({ ...done.call, arguments: { path } })
    expect(await deleted('f')).toMatchObject({ observed: { notKept: 'secret' } })
    expect(Object.hasOwn((await deleted('f')) ?? {}, 'kept')).toBe(true) // nothing was there
    const plain = await deleted('g')
    const call = undoing({ ...done, ...plain } as Done)
    expect(await handler?.compensate?.(call)).toMatchObject({ observed: { undone: true } })
    expect(readFileSync(join(root, 'g'), 'utf8')).toBe('plain')
  })
})

describe('a compensation', () => {
  it('is held to the grant, whatever has become of the way', async () => {
    const root = folder()
    const outside = folder()
    plant(root, ['a/f = text', 'b/f = text'])
    plant(outside, ['f = new'])
    const done = await act(root, fs.replace('g', { path: 'a/f', content: 'new' }))
    rmSync(join(root, 'a'), { recursive: true })
    symlinkSync(outside, join(root, 'a'))
    expect(await codeOf(compensate(done))).toBe('ICE_EFFECTS_PATH_ESCAPE_DENIED')
    unlinkSync(join(root, 'a'))
    // Within the root a link leads to another file: it is not what the effect changed.
    writeFileSync(join(root, 'b/f'), 'new')
    symlinkSync('b', join(root, 'a'))
    expect(await codeOf(compensate(done))).toBe(MOVED_ON)
    unlinkSync(join(root, 'a'))
    expect(await codeOf(compensate(done))).toBe(MOVED_ON)
    expect([readFileSync(join(outside, 'f'), 'utf8'), readdirSync(root)]).toEqual(['new', ['b']])
    const made = await act(root, fs.write('g', { path: 'b/new', content: 'x' }))
    renameSync(join(root, 'b'), join(root, 'c'))
    expect((await compensate(made)).observed).toMatchObject({ undone: false })
    const within = { within: ['c'] }
    const held = await act(root, fs.delete('g', { path: 'c/new' }), within)
    const call = { grant: { ...held.call.grant, resources: [{ kind: 'fs', root, within: ['d'] }] } }
    expect(await codeOf(compensate(held, call))).toBe('ICE_EFFECTS_OUTSIDE_WITHIN_DENIED')
  })

  it('does not part a file from a name it was given since', async () => {
    const root = folder()
    const done = await act(root, fs.write('g', { path: 'f', content: 'x' }))
    linkSync(join(root, 'f'), join(root, 'g'))
    expect(await codeOf(compensate(done))).toBe(MOVED_ON)
    unlinkSync(join(root, 'g'))
    expect((await compensate(done)).observed).toMatchObject({ undone: true })
  })

  it('leaves no draft, and takes away what a killed attempt left', async () => {
    const root = folder()
    plant(root, ['f = text'])
    const done = await act(root, fs.delete('g', { path: 'f' }))
    await compensate(done)
    unlinkSync(join(root, 'f'))
    const key = undoing(done).idempotencyKey
    const prefix = createHash('sha256').update(key).digest('hex').slice(0, 16)
    writeFileSync(join(root, `.ice-${prefix}-0123456789abcdef.tmp`), 'half')
    await compensate(done, { attempt: 2 })
    expect(readdirSync(root)).toEqual(['f'])
  })

  it('undoes any changes of any files, in the reverse of their order', async () => {
    const names = fc.constantFrom('a', 'b', 'd/a', 'link')
    const content = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constant('\0\n'))
    const change = fc.oneof(
      fc.record({ action: fc.constantFrom('fs.write', 'fs.replace'), path: names, content }),
      fc.record({ action: fc.constant('fs.delete'), path: names }),
    )
    const holds = fc.asyncProperty(fc.array(change, { maxLength: 12 }), async (changes) => {
      const root = folder()
      plant(root, ['a = first', 'd/b = second', 'link -> a'])
      const before = snapshot(root)
      const done: Done[] = []
      for (const { action, ...args } of changes) {
        const wanted = { action, grant: 'g', arguments: args as JsonObject }
        const report = await act(root, wanted).catch((error: { code: string }) => error.code)
        if (typeof report === 'object') done.push(report)
      }
      for (const one of done.toReversed()) await compensate(one)
      expect(snapshot(root)).toEqual(before)
    })
    await fc.assert(holds, { numRuns: 60 })
  })

  it('of what only looks is not there', () => {
    const undoable = fileSystemEffects().filter(({ compensate: undo }) => undo !== undefined)
    expect(undoable.map(({ action }) => action).toSorted()).toEqual([
      'fs.delete',
      'fs.patch',
      'fs.replace',
      'fs.write',
    ])
  })

  it('takes no file that has grown for its own', async () => {
    const root = folder()
    plant(root, ['f = text'])
    const done = await act(root, fs.replace('g', { path: 'f', content: 'new' }))
    appendFileSync(join(root, 'f'), ' and more')
    expect(await codeOf(compensate(done))).toBe(MOVED_ON)
    truncateSync(join(root, 'f'), 3)
    expect((await compensate(done)).observed).toMatchObject({ undone: true })
  })
})
