import { describe, expect, it } from 'vitest'
import { languageByName, languageByShebang } from '../../src/survey/language.ts'
import { isLicenceFile, licenceOf, spdxTag, UNKNOWN_LICENCE } from '../../src/survey/licence.ts'
import type { Tally } from '../../src/survey/ports.ts'
import { tallyFold } from '../../src/survey/tally.ts'

/** Folds a content that arrives in chunks of so many bytes. */
function tally(name: string, content: string | Uint8Array, chunkBytes = 7): Tally {
  const bytes = Buffer.from(content)
  const fold = tallyFold(name)
  let state = fold.start()
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    // One buffer for all chunks, as a reader uses it.
    const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes))
    state = fold.step(state, chunk)
    chunk.fill(0xff)
  }
  return fold.finish(state)
}

describe('a tally', () => {
  it('counts newline characters as wc -l does, whatever the last line ends in', () => {
    expect(tally('a.txt', '').lines).toBe(0)
    expect(tally('a.txt', 'no newline').lines).toBe(0)
    expect(tally('a.txt', 'one\ntwo').lines).toBe(1)
    expect(tally('a.txt', 'one\r\ntwo\r\n\n').lines).toBe(3)
    expect(tally('a.txt', '\r\r').lines).toBe(0)
  })

  it('does not depend on how the bytes arrive', () => {
    const content = 'TODO\n_TODO FIXME,TODO2 (FIXME)\nFIXME TODO'
    const whole = tally('a.ts', content, 1_000)
    for (let size = 1; size < content.length; size += 1) {
      expect(tally('a.ts', content, size)).toEqual(whole)
    }
    expect(whole).toEqual({
      bytes: content.length,
      lines: 2,
      language: 'TypeScript',
      marks: { todo: 2, fixme: 3 },
    })
  })

  it('counts marks as whole words in capitals', () => {
    expect(tally('a.c', '// TODO: x\n/*FIXME*/ todo TODOS myTODO A_FIXME 1TODO').marks).toEqual({
      todo: 1,
      fixme: 1,
    })
    expect(tally('a.c', 'nothing to be done').marks).toBeUndefined()
  })

  it('calls a file binary that has a NUL among its first 8,000 bytes, and no other', () => {
    expect(tally('a.ts', 'a\0TODO\n')).toEqual({ bytes: 7, lines: 1, language: '(binary)' })
    const late = Buffer.alloc(8_001, 0x61)
    late[8_000] = 0
    expect(tally('a.ts', late, 512).language).toBe('TypeScript')
    late[7_999] = 0
    expect(tally('a.ts', late, 512).language).toBe('(binary)')
  })

  it('knows a script by its first line, and says when it knows nothing', () => {
    expect(tally('run', '#!/usr/bin/env python3\nprint()\n').language).toBe('Python')
    expect(tally('run', 'just text\n').language).toBe('(other)')
    expect(tally('run.ts', '#!/bin/sh\n').language).toBe('TypeScript')
  })

  it('reads a small manifest and says that a large one is too large', () => {
    const small = tally('package.json', '{"license":"MIT","dependencies":{"a":"1"}}')
    expect(small.manifest).toEqual({
      kind: 'package.json',
      licence: 'MIT',
      count: 1,
      dependencies: [{ name: 'a', version: '1' }],
    })
    const large = tally('package.json', Buffer.alloc(600_000, 0x20), 65_536)
    expect(large.manifest?.unreadable).toBe('it has 600000 bytes; 524288 are read')
  })

  it('keeps no reference to a chunk', () => {
    const mit = 'Permission is hereby granted, free of charge, to any person obtaining a copy'
    const more = '\nThe above copyright notice and this permission notice shall be included'
    expect(tally('LICENSE', mit + more).licence).toBe('MIT')
  })
})

describe('a language is told', () => {
  it('by the whole name before the ending, and by endings of any case', () => {
    expect(languageByName('CMakeLists.txt')).toBe('CMake')
    expect(languageByName('notes.TXT')).toBe('Text')
    expect(languageByName('a.R')).toBe('R')
    expect(languageByName('.gitignore')).toBe('Ignore list')
    expect(languageByName('.ts')).toBeUndefined()
    expect(languageByName('constructor')).toBeUndefined()
  })

  it('by the interpreter, through env, its options and its settings', () => {
    expect(languageByShebang('#!/usr/bin/env -S FOO=1 node --x\n')).toBe('JavaScript')
    expect(languageByShebang('#! /usr/local/bin/python3.12 -u\n')).toBe('Python')
    expect(languageByShebang('#!/bin/unheard-of\n')).toBeUndefined()
    expect(languageByShebang('# !/bin/sh\n')).toBeUndefined()
  })
})

describe('a licence', () => {
  it('is looked for in files that are called one', () => {
    const yes = ['LICENSE', 'LICENCE.md', 'COPYING.LESSER', 'license-apache-2.0.txt', 'UNLICENSE']
    const no = ['license.ts', 'licence.js.map', 'licenses.json', 'relicense.md', 'COPYING.py']
    expect(yes.filter(isLicenceFile)).toEqual(yes)
    expect(no.filter(isLicenceFile)).toEqual([])
  })

  it('is told by its tag before its text, and not guessed', () => {
    expect(licenceOf('Apache License\n  Version 2.0, January 2004')).toBe('Apache-2.0')
    expect(licenceOf('GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007')).toBe('GPL-3.0')
    expect(licenceOf('GNU LESSER GENERAL PUBLIC LICENSE\n Version 2.1')).toBe('LGPL-2.1')
    expect(licenceOf('You may do whatever you like.')).toBe(UNKNOWN_LICENCE)
    expect(spdxTag('/* SPDX-License-Identifier: (MIT OR Apache-2.0) */')).toBe(
      '(MIT OR Apache-2.0)',
    )
    expect(spdxTag('// SPDX-License-Identifier:   \n')).toBeUndefined()
  })

  it('takes no time to speak of in a text that was made to take it', () => {
    const spaces = ' '.repeat(60_000)
    expect(spdxTag(`SPDX-License-Identifier:${spaces}`)).toBeUndefined()
    expect(licenceOf(`SPDX-License-Identifier:${spaces}x`)).toBe(UNKNOWN_LICENCE)
  })
})
