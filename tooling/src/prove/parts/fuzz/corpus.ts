/** Texts that others found worth trying; without the vectors there are those of our own. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytesOf } from './target.ts'

const OWN = bytesOf(
  '{}',
  '[]',
  'null',
  '"x"',
  '{"a":[1,-0.5,1e3,true,false,null,"\\u00e9\\n\\ud83d\\ude00"],"b":{"c":{"d":[[[]]]}}}',
  '[0,1,-1,9007199254740991,0.1,1e21,1e-7,5e-324,1.7976931348623157e308]',
  '{"":"","\\u0000":1,"__proto__":2,"constructor":3,"\u{1f600}":4,"\u20ac":5}',
)

const read = (folder: string | undefined, ...path: readonly string[]): readonly Uint8Array[] => {
  if (folder === undefined) return []
  const inside = join(folder, ...path)
  if (!existsSync(inside)) return []
  return readdirSync(inside).map((name) => readFileSync(join(inside, name)))
}

/** @param vectors - the folder of a set of vectors */
export const jsonCorpus = (
  vectors: (name: string) => string | undefined,
): readonly Uint8Array[] => {
  const suite = read(vectors('json-test-suite'), 'test_parsing')
  return [...OWN, ...suite.filter(({ length }) => length < 4_096)]
}

/** Strings that have broken programs before. */
export const naughtyStrings = (
  vectors: (name: string) => string | undefined,
): readonly string[] => {
  const folder = vectors('strings')
  const own = [
    '',
    ' ',
    'é',
    '\u202e',
    '\ufeff',
    '../..',
    '\u0000',
    '%s%n',
    "'; DROP TABLE events;--",
  ]
  if (folder === undefined) return own
  return [...own, ...(JSON.parse(readFileSync(join(folder, 'blns.json'), 'utf8')) as string[])]
}
