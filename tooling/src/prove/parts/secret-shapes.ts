/** Secrets of many shapes, and every way they are looked for: independent of what is proved. */
import { createHash } from 'node:crypto'

/** A secret with its name in the store. */
export interface Planted {
  readonly name: string
  readonly value: string
  /** Whether a header can hold it; a body holds any. */
  readonly isHeader: boolean
}

const ALPHABETS = [
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789',
  'abcdef0123456789',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567',
  '0123456789',
  'abcXYZ019!#$%&()*+,-./:;<=>?@[]^_{|}~"\\',
  'abc XYZ 019 \'"&<>',
  'пароль密码🔑äöü',
] as const

/** A text of an alphabet, the same for the same seed. */
const drawn = (alphabet: string, length: number, seed: string): string => {
  const letters = [...alphabet]
  let text = ''
  for (let at = 0; text.length < length; at += 1) {
    const byte = createHash('sha256').update(`${seed}/${at}`).digest()[0] ?? 0
    text += letters[byte % letters.length]
  }
  return text
}

const pem = (seed: string): string => {
  const body = drawn(ALPHABETS[2], 64 * 24, seed).match(/.{64}/g) ?? []
  return `-----BEGIN PRIVATE KEY-----\n${body.join('\n')}\n-----END PRIVATE KEY-----\n`
}

const jwt = (seed: string): string =>
  [0, 1, 2].map((part) => drawn(ALPHABETS[3], 40 + 40 * part, `${seed}/${part}`)).join('.')

const shapeOf = (at: number): string => {
  const seed = `shape ${at}`
  if (at % 10 === 9) return pem(seed)
  if (at % 10 === 8) return jwt(seed)
  const alphabet = ALPHABETS[at % ALPHABETS.length] ?? ALPHABETS[0]
  const length = [8, 16, 20, 32, 40, 64, 96, 512, 2_000][(at * 7) % 9] ?? 32
  // Ends that are no spaces, so that a header keeps them.
  return `x${drawn(alphabet, Math.max(length - 2, 10), seed)}z`
}

/** So many secrets, no two alike. */
export const plantedSecrets = (count: number): readonly Planted[] =>
  Array.from({ length: count }, (_, at) => {
    const value = shapeOf(at)
    return { name: `planted/s${at}`, value, isHeader: /^[ -~]{1,4000}$/.test(value) }
  })

/** What base64 of a longer text has of these bytes, whatever stands before them. */
const base64Cores = (bytes: Buffer): readonly string[] =>
  [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before, 1), bytes]).toString('base64')
    const first = [0, 2, 3][before] ?? 0
    return text.slice(first, Math.floor(((before + bytes.length) * 8) / 6))
  })

const urlSafe = (text: string): string => text.replaceAll('+', '-').replaceAll('/', '_')
const percentAll = (bytes: Buffer): string =>
  [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')

/** Every way a secret is looked for, as bytes. */
export const needlesOf = (value: string): ReadonlyMap<string, Buffer> => {
  const bytes = Buffer.from(value)
  const json = JSON.stringify(value).slice(1, -1)
  const base64 = bytes.toString('base64')
  const hex = bytes.toString('hex')
  const texts: [string, string][] = [
    ['plain', value],
    ['json', json],
    ['json in json', JSON.stringify(json).slice(1, -1)],
    ['percent', encodeURIComponent(value)],
    ['percent twice', encodeURIComponent(encodeURIComponent(value))],
    ['percent of all', percentAll(bytes)],
    ['percent of all, capital', percentAll(bytes).toUpperCase()],
    ['hex', hex],
    ['hex capital', hex.toUpperCase()],
    ['hex of base64', Buffer.from(base64).toString('hex')],
    ['base64 of hex', Buffer.from(hex).toString('base64').slice(0, -4)],
    ['first half', value.slice(0, Math.max(16, value.length / 2))],
    ...base64Cores(bytes).flatMap((core, at): [string, string][] => [
      [`base64 at ${at}`, core],
      [`base64url at ${at}`, urlSafe(core)],
      [`base64 of base64 at ${at}`, base64Cores(Buffer.from(base64))[at] ?? ''],
      [`base64 of percent at ${at}`, base64Cores(Buffer.from(encodeURIComponent(value)))[at] ?? ''],
    ]),
  ]
  const needles = texts.map(([how, text]) => [how, Buffer.from(text)] as const)
  return new Map([...needles, ['utf16' as string, Buffer.from(value, 'utf16le')] as const])
}
