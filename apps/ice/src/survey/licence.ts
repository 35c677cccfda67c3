/**
 * Which licence a text is: by an SPDX tag, or by phrases that no other licence has.
 *
 * A text is compared without case, punctuation and line breaks, so that how it was wrapped does
 * not matter. What is not recognised is `UNKNOWN_LICENCE`; a guess would be worse than none.
 */

import { NAME_CHARACTERS_MAX } from './limits.ts'

/** A licence file whose text is none of those that are known. */
export const UNKNOWN_LICENCE = '(not recognised)'

const LICENCE_STEM = /^(?:(?:un)?licen[cs]e|copying|copyright)(?:[-_.][a-z0-9+-]+(?:\.[0-9]+)?)?$/i

const CODE_FILE = /\.(?:[cm]?[jt]sx?|json|map|py|go|rs|java|rb|cs?|cc|cpp|h|html?|ya?ml|toml)$/i

/** Whether a file of this name holds a licence: `LICENSE`, `COPYING.LESSER`. Pure. */
export function isLicenceFile(name: string): boolean {
  const stem = name.replace(/\.(?:txt|md|rst)$/i, '')
  return LICENCE_STEM.test(stem) && !CODE_FILE.test(stem)
}

const TAG = /SPDX-License-Identifier:([^\r\n]{1,200})/

/** The SPDX expression a text is tagged with, if it is. Pure. */
export function spdxTag(text: string): string | undefined {
  const line = TAG.exec(text)?.[1]
  if (line === undefined) return undefined
  const [expression = ''] = line.split(/\*\/|-->|["'`]/, 1)
  const words = expression.split(/\s+/).filter((word) => /^[A-Za-z0-9.+():-]+$/.test(word))
  return words.length === 0 ? undefined : bounded(words.join(' '))
}

/** The more special first. Phrases are normalised text; all of a row must be there. */
const PHRASES: readonly (readonly [string, readonly string[]])[] = [
  ['AGPL-3.0', ['gnu affero general public license version 3']],
  ['LGPL-3.0', ['gnu lesser general public license version 3']],
  ['LGPL-2.1', ['gnu lesser general public license version 2 1']],
  ['LGPL-2.0', ['gnu library general public license version 2']],
  ['GPL-3.0', ['gnu general public license version 3']],
  ['GPL-2.0', ['gnu general public license version 2']],
  ['MPL-2.0', ['mozilla public license version 2 0']],
  ['EPL-2.0', ['eclipse public license v 2 0']],
  ['EUPL-1.2', ['european union public licence v 1 2']],
  ['Apache-2.0', ['apache license version 2 0']],
  ['BSL-1.0', ['boost software license version 1 0']],
  ['CC0-1.0', ['cc0 1 0 universal']],
  ['CC-BY-SA-4.0', ['attribution sharealike 4 0 international']],
  ['CC-BY-4.0', ['attribution 4 0 international']],
  ['Unlicense', ['this is free and unencumbered software released into the public domain']],
  ['WTFPL', ['do what the fuck you want to public license']],
  [
    'Zlib',
    [
      'this software is provided as is without any express or implied warranty',
      'altered source versions must be plainly marked as such',
    ],
  ],
  [
    'MIT-0',
    [
      'permission is hereby granted free of charge to any person obtaining a copy',
      'to whom the software is furnished to do so the software is provided as is',
    ],
  ],
  [
    'MIT',
    [
      'permission is hereby granted free of charge to any person obtaining a copy',
      'the above copyright notice and this permission notice',
    ],
  ],
  [
    '0BSD',
    [
      'permission to use copy modify and or distribute this software for any purpose',
      'fee is hereby granted the software is provided as is',
    ],
  ],
  ['ISC', ['permission to use copy modify and or distribute this software for any purpose']],
  ['ISC', ['permission to use copy modify and distribute this software for any purpose']],
  [
    'BSD-3-Clause',
    [
      'redistribution and use in source and binary forms',
      'be used to endorse or promote products derived from',
    ],
  ],
  [
    'BSD-2-Clause',
    [
      'redistribution and use in source and binary forms',
      'redistributions in binary form must reproduce',
    ],
  ],
  ['PSF-2.0', ['python software foundation license version 2']],
  ['Artistic-2.0', ['the artistic license 2 0']],
]

/** Recognises the text of a licence. Pure. */
export function licenceOf(text: string): string {
  const tag = spdxTag(text)
  if (tag !== undefined) return tag
  const plain = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, ' ')
  const known = PHRASES.find(([, phrases]) => phrases.every((phrase) => plain.includes(phrase)))
  return known?.[0] ?? UNKNOWN_LICENCE
}

/** A name out of a file, cut to what a table holds. */
export function bounded(name: string): string {
  const clean = name
    .toWellFormed()
    .replaceAll(/\p{C}+/gu, ' ')
    .trim()
  return clean.length <= NAME_CHARACTERS_MAX ? clean : `${clean.slice(0, NAME_CHARACTERS_MAX - 1)}…`
}
