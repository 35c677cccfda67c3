/**
 * Every way by which JSON comes in takes what the strict parser takes, of the whole JSONTestSuite:
 * how each case is answered by that parser is in the table of `@ice/primitives`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasCode, parseStrict } from '@ice/primitives'
import { vectorTest } from '@ice/tooling/vectors'
import { afterAll, describe, expect } from 'vitest'
import { readInput } from '../src/args/input.ts'
import { CONFIG_NAME, loadConfig } from '../src/config/config.ts'
import { CLI_CODES } from '../src/errors.ts'
import { readManifest } from '../src/survey/manifest.ts'

const cwd = mkdtempSync(join(tmpdir(), 'ice-ingress-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

const nothing = chunksOf(new Uint8Array())

/** The value, or that there is none. */
type Entry = (bytes: Uint8Array) => Promise<unknown>

const REFUSED = 'refused'

async function refused(work: Promise<unknown>, code: string): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    expect(hasCode(error, code)).toBe(true)
    return REFUSED
  }
}

/** Without the byte order mark and what is not UTF-8: a command line holds text. */
function textOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString()
  return Buffer.from(text).equals(bytes) && !text.startsWith('@') && text !== '-' ? text : undefined
}

const entries: readonly (readonly [name: string, entry: Entry])[] = [
  [
    '--input -',
    (bytes) => refused(readInput('-', { cwd, stdin: chunksOf(bytes) }), CLI_CODES.input),
  ],
  [
    '--input @file',
    (bytes) => {
      writeFileSync(join(cwd, 'input.json'), bytes)
      return refused(readInput('@input.json', { cwd, stdin: nothing }), CLI_CODES.input)
    },
  ],
  [
    '--input text',
    async (bytes) => {
      const text = textOf(bytes)
      if (text === undefined) return strictly(bytes)
      return refused(readInput(text, { cwd, stdin: nothing }), CLI_CODES.input)
    },
  ],
]

function strictly(bytes: Uint8Array): unknown {
  try {
    return parseStrict(bytes)
  } catch {
    return REFUSED
  }
}

function suiteOf(folder: string): readonly (readonly [string, Uint8Array])[] {
  const cases = join(folder, 'test_parsing')
  const names = readdirSync(cases)
  expect(names.length).toBeGreaterThan(300)
  return names.map((name) => [name, readFileSync(join(cases, name))])
}

describe('of the JSONTestSuite', () => {
  for (const [name, entry] of entries) {
    vectorTest('json-test-suite', `${name} takes what the strict parser takes`, async (folder) => {
      for (const [file, bytes] of suiteOf(folder)) {
        expect([file, await entry(bytes)]).toEqual([file, strictly(bytes)])
      }
    })
  }

  vectorTest('json-test-suite', 'a configuration is nothing but an object', async (folder) => {
    for (const [file, bytes] of suiteOf(folder)) {
      writeFileSync(join(cwd, CONFIG_NAME), bytes)
      const found = await refused(loadConfig(undefined, cwd), CLI_CODES.config)
      const value = strictly(bytes)
      const isEmpty = JSON.stringify(value) === '{}'
      expect([file, found !== REFUSED]).toEqual([file, isEmpty])
    }
  })

  vectorTest('json-test-suite', 'a manifest is read, or says why it is not', (folder) => {
    for (const [file, bytes] of suiteOf(folder)) {
      const text = Buffer.from(bytes)
        .toString()
        .replace(/^\uFEFF/, '')
      const value = strictly(Buffer.from(text))
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
      const { unreadable } = readManifest('package.json', text)
      expect([file, unreadable === undefined]).toEqual([file, isObject])
    }
  })
})
