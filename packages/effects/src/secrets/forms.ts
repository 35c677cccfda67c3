/**
 * The forms in which a secret comes back: what a scrubber looks for.
 *
 *     plain   as text, as bytes of one character each, line by line, with "+" for spaces
 *     base64  of the secret, at each of the three places a byte can have in a group of three, so
 *             also within `user:secret`; of its percent-encoded and its JSON-escaped text
 *     hex     of the same
 *     twice   base64 and hex of its base64 and of its hex
 *     digest  SHA-256 in hex, which records of ours hold of whole contents
 *
 * All are compared folded: letters without case, `-_` as `+/`. So base64url is base64, and a secret
 * in the name of a host, or in a header whose case was changed, is found. Escapes that can be
 * written in many ways are not listed here, they are undone before: see views.ts.
 *
 * The trap: base64 of a longer text does not hold the base64 of what is in it, unless that begins
 * at a multiple of three bytes.
 */

import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { PART_CHARS_MIN, WINDOW_CHARS } from './limits.ts'

/** A character without case, and in one spelling where the two alphabets of base64 differ. */
export function folded(code: number): number {
  if (code >= 65 && code <= 90) return code + 32
  if (code === 45) return 43
  return code === 95 ? 47 : code
}

/** A text, folded. */
export function foldedText(text: string): Uint16Array {
  const codes = new Uint16Array(text.length)
  for (let at = 0; at < text.length; at += 1) codes[at] = folded(text.charCodeAt(at))
  return codes
}

/** Every form of a secret, folded, each once. */
export function formsOf(secret: Uint8Array): readonly Uint16Array[] {
  const bytes = Buffer.from(secret)
  const text = bytes.toString('utf8')
  const isText = Buffer.from(text, 'utf8').equals(bytes)
  const forms = new Set<string>([bytes.toString('latin1')])
  const inner: Buffer[] = [bytes]
  if (isText) {
    for (const plain of plainOf(text)) forms.add(plain)
    for (const escaped of [percent(text), jsonText(text)]) inner.push(Buffer.from(escaped))
  }
  for (const one of inner) for (const form of encodedOf(one)) forms.add(form)
  for (const once of onceEncoded(bytes)) {
    for (const form of encodedOf(Buffer.from(once))) forms.add(form)
  }
  forms.add(createHash('sha256').update(bytes).digest('hex'))
  const kept = [...forms].filter((form) => form.length >= WINDOW_CHARS)
  return [...new Map(kept.map((form) => [form, foldedText(form)])).values()]
}

function plainOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/)
  const long = lines.length > 1 ? lines.filter((line) => line.length > PART_CHARS_MIN) : []
  return [text, text.replaceAll(' ', '+'), lines.join(''), ...long]
}

/** Lone surrogates cannot be here: the text is what UTF-8 gave. */
function percent(text: string): string {
  return encodeURIComponent(text)
}

function jsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function encodedOf(bytes: Buffer): readonly string[] {
  return [bytes.toString('hex'), ...[0, 1, 2].map((before) => base64Within(bytes, before))]
}

/** In the case that is encoded once more, which is not folded away. */
function onceEncoded(bytes: Buffer): Iterable<string> {
  const hex = bytes.toString('hex')
  const base64 = [0, 1, 2].map((before) => base64Within(bytes, before))
  const inUrls = base64.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))
  return new Set([...base64, ...inUrls, hex, hex.toUpperCase()])
}

/** What base64 of a longer text surely holds, when so many bytes stand before it in its group. */
function base64Within(bytes: Buffer, before: number): string {
  const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
  const end = Math.floor(((before + bytes.length) * 8) / 6)
  return whole.slice(Math.ceil((before * 8) / 6), end)
}
