import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Scrubber, ScrubStream } from '../src/index.ts'

const LINES = 'MIIEvQIBADANBgkqhkiG9w0B+/QEFAASC\n'.repeat(20)
const PEM = `-----BEGIN PRIVATE KEY-----\n${LINES}-----END`

const SECRETS = [
  'hunter2hunter2',
  'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  'p@ss w0rd/with "quotes" & <marks>\\',
  'пароль-は秘密-🔑🔑',
  '12345678',
  'a%41b\\n%2Fc-_d',
  PEM,
] as const

const learned = (...secrets: readonly string[]): Scrubber => {
  const scrubber = new Scrubber()
  for (const secret of secrets) scrubber.learn(Buffer.from(secret))
  return scrubber
}

const every = (text: string, form: (byte: string) => string): string =>
  [...Buffer.from(text)].map((byte) => form(byte.toString(16).padStart(2, '0'))).join('')

/** How servers, shells and libraries write a text. */
const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  'base64 inside': (text) => Buffer.from(`user:${text}!`).toString('base64'),
  'base64 inside, one on': (text) => Buffer.from(`x${text}yz`).toString('base64'),
  'base64 inside, two on': (text) => Buffer.from(`xy${text}z`).toString('base64'),
  base64url: (text) => Buffer.from(`{"k":"${text}"}`).toString('base64url'),
  'base64 in lines': (text) =>
    (
      Buffer.from(`<<<${text}>>>`)
        .toString('base64')
        .match(/.{1,20}/g) ?? []
    ).join('\r\n'),
  hex: (text) => Buffer.from(text).toString('hex'),
  'hex in capitals': (text) => Buffer.from(text).toString('hex').toUpperCase(),
  percent: encodeURIComponent,
  'percent, small': (text) => every(text, (byte) => `%${byte}`),
  'percent of all': (text) => every(text, (byte) => `%${byte.toUpperCase()}`),
  form: (text) => new URLSearchParams({ k: text }).toString(),
  JSON: (text) => JSON.stringify({ text }),
  'JSON of ASCII': (text) =>
    [...JSON.stringify(text)]
      .map((one) => (one < '\u007f' ? one : one.replaceAll(/[\s\S]/g, uEscape)))
      .join(''),
  'JSON with slashes': (text) => JSON.stringify(text).replaceAll('/', '\\/'),
  HTML: (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&#34;'),
  'other case': (text) => text.toUpperCase().replaceAll('SS', 'ss'),
  latin1: (text) => Buffer.from(text).toString('latin1'),
  digest: (text) => createHash('sha256').update(text).digest('hex'),
}

function uEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

const TWICE = [
  'base64 inside',
  'base64 inside, two on',
  'base64url',
  'hex',
  'percent',
  'percent, small',
  'JSON',
  'JSON of ASCII',
  'HTML',
]

/** Not undone to letters by any decoder: what is compared is a text in one case. */
const CASED = new Set(['other case'])

/** Verifies: EFF-R41 */
describe('a scrubber', () => {
  for (const secret of SECRETS) {
    const name = secret.slice(0, 12).replace(/\s/g, ' ')
    it(`finds ${name} however it is written`, () => {
      const scrubber = learned(...SECRETS)
      for (const [how, encode] of Object.entries(ENCODINGS)) {
        if (CASED.has(how) && /[^ -~\n]/.test(secret)) continue
        const text = `before ${encode(secret)} behind`
        expect(scrubber.finds(text), how).toBe(true)
        const clean = scrubber.text(text)
        expect(clean, how).toContain('[secret]')
        expect(clean.startsWith('before ') && clean.endsWith(' behind'), how).toBe(true)
        expect(scrubber.finds(clean), how).toBe(false)
      }
    })

    it(`finds ${name} written twice over`, () => {
      const scrubber = learned(secret)
      for (const inner of TWICE) {
        for (const outer of TWICE) {
          const once = (ENCODINGS[inner] as (text: string) => string)(secret)
          const text = (ENCODINGS[outer] as (text: string) => string)(once)
          if (isBeyond(inner, outer)) continue
          expect(scrubber.finds(text), `${outer} of ${inner}`).toBe(true)
        }
      }
    })
  }

  it('leaves what only resembles a secret, and a text without one, as they are', () => {
    const scrubber = learned('hunter2hunter2', PEM)
    for (const text of [
      'hunter2',
      'hunter2 hunter3',
      'hunter2hunter1 and so on',
      '-----BEGIN PRIVATE KEY-----\nMIIBother',
      '%zz \\u12 &nope; & \\',
      '',
    ]) {
      expect(scrubber.text(text)).toBe(text)
    }
    expect(new Scrubber().text('hunter2hunter2')).toBe('hunter2hunter2')
  })

  it('takes out what is cut off, at the end of a text or by an ellipsis', () => {
    const scrubber = learned('ghp_16C7e42F292c6912E7710c838347Ae178B4a', PEM)
    expect(scrubber.text('it was ghp_16C7e42F29')).toBe('it was [secret]')
    expect(scrubber.text('it was "ghp_16C7e42F29…" there')).toBe('it was "[secret]…" there')
    const part = PEM.slice(0, 300)
    expect(scrubber.text(`key: ${part} and so on`)).toBe('key: [secret] and so on')
  })

  it('takes out secrets that overlap, to the end of the last', () => {
    const scrubber = learned('abcdefghijkl', 'ghijklmnopqr')
    expect(scrubber.text('<abcdefghijklmnopqr>')).toBe('<[secret]>')
    expect(scrubber.text('<abcdefghijklghijklmnopqr>')).toBe('<[secret]>')
  })

  it('leaves no secret in any text, wherever it stands and however often', () => {
    const scrubber = learned(...SECRETS)
    const part = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc
        .tuple(fc.constantFrom(...SECRETS), fc.constantFrom(...Object.values(ENCODINGS)))
        .map(([secret, encode]) => encode(secret)),
    )
    const texts = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''))
    const clean = fc.property(texts, (text) => {
      const scrubbed = scrubber.text(text)
      expect(scrubber.finds(scrubbed)).toBe(false)
      for (const secret of SECRETS) expect(scrubbed).not.toContain(secret)
    })
    fc.assert(clean, { numRuns: 300 })
  })

  it('is as quick on a text that begins like a secret everywhere as on any other', () => {
    const secret = `${'a'.repeat(60)}b`
    const scrubber = learned(secret)
    const text = 'a'.repeat(1_000_000)
    expect(scrubber.text(text)).toBe('[secret]')
  })
})

/** Layers whose inside no list of forms holds: the guide says which. */
function isBeyond(inner: string, outer: string): boolean {
  const escapes = new Set(['percent, small', 'JSON of ASCII', 'HTML'])
  return escapes.has(inner) && /^(?:base64|hex)/.test(outer)
}

/** Verifies: EFF-R42 */
describe('a stream that is scrubbed', () => {
  it('finds what is split over chunks in any way, and loses nothing else', () => {
    const scrubber = learned('hunter2hunter2', 'пароль-は秘密')
    const part = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.constantFrom('hunter2hunter2', 'пароль-は秘密', 'hunter2', '%68unter2hunter2'),
      fc.constant(Buffer.from('user:hunter2hunter2').toString('base64')),
    )
    const inputs = fc.tuple(
      fc.array(part, { maxLength: 20 }).map((parts) => Buffer.from(parts.join(''))),
      fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 20 }),
    )
    const split = fc.property(inputs, ([bytes, sizes]) => {
      const stream = new ScrubStream(scrubber)
      const out: Buffer[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = (sizes[turn % sizes.length] ?? 0) + 1
        out.push(stream.push(bytes.subarray(at, at + size)))
        at += size
      }
      out.push(stream.end())
      expect(Buffer.concat(out)).toEqual(scrubber.bytes(bytes))
    })
    fc.assert(split, { numRuns: 200 })
  })
})
