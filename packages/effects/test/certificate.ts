/**
 * A certificate that signs itself, made here: X.509 v3 in DER (RFC 5280), as much as TLS asks for.
 */

import { Buffer } from 'node:buffer'
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** What a TLS server is given. */
export interface Credentials {
  readonly key: string
  readonly cert: string
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content])
  const size = Buffer.alloc(2)
  size.writeUInt16BE(length)
  return Buffer.concat([Buffer.from([tag, 0x82]), size, content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts)
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))

function nameOf(text: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))))
}

function utc(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/\D/g, '').slice(2, 14)
  return der(0x17, Buffer.from(`${digits}Z`))
}

const DAY_MS = 86_400_000

/** Makes one for names, and for v4 addresses where an entry is one; it may be long over. */
export function selfSigned(
  entries: readonly string[],
  { endsInDays = 1 }: { readonly endsInDays?: number } = {},
): Credentials {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const subject = nameOf(entries[0] ?? '')
  const names = entries.map((entry) =>
    /^[\d.]+$/.test(entry)
      ? der(0x87, Buffer.from(entry.split('.').map(Number)))
      : der(0x82, Buffer.from(entry)),
  )
  const now = Date.now()
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1]), randomBytes(8)),
    ECDSA_SHA256,
    subject,
    sequence(utc(new Date(now - 2 * DAY_MS)), utc(new Date(now + endsInDays * DAY_MS))),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(oid('551d11'), der(0x04, sequence(...names))))),
  )
  const signature = sign('sha256', body, privateKey)
  const whole = sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature))
  const text = whole.toString('base64').replaceAll(/.{1,64}/g, '$&\n')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${text}-----END CERTIFICATE-----\n`,
  }
}
