/// <reference lib="es2024.string" />
/**
 * URLs: read once, by the one parser, and from then on taken apart and never read again.
 *
 * The trap: two parsers that disagree about `http://a\@b`. Here one decides what the claim is, what
 * is resolved, and what is sent; and what is commonly read in two ways is refused before it reads.
 */

import type { JsonObject } from '@ice/primitives'
import { shownPath } from '../shown.ts'
import { NETWORK_CODES, NetworkError } from './errors.ts'
import { SHOWN_URL_CHARS_MAX, URL_CHARS_MAX } from './limits.ts'

/** Where a request goes. */
export interface Target {
  /** Without user and fragment. */
  readonly url: URL
  readonly isSecure: boolean
  /** A name, or an address without brackets. */
  readonly host: string
  readonly port: number
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: `URL` drops or folds these silently
const UNSAFE = /[\u0000-\u0020\u007f\\]/

/**
 * Reads a URL.
 *
 * @param base - where a relative one begins
 * @throws {NetworkError} `ICE_EFFECTS_NET_URL_UNSUPPORTED`, `ICE_EFFECTS_NET_REQUEST_LIMIT`
 */
export function parseTarget(text: string, base?: URL): Target {
  if (text.length > URL_CHARS_MAX) {
    const message = `The URL has more than ${URL_CHARS_MAX} characters`
    throw new NetworkError(NETWORK_CODES.requestLimit, message)
  }
  if (!text.isWellFormed() || UNSAFE.test(text)) {
    throw refused('holds a space, a control character, a backslash or a lone surrogate')
  }
  const url = parsed(text, base)
  if (url === undefined) throw refused('cannot be read')
  const isSecure = url.protocol === 'https:'
  if (!isSecure && url.protocol !== 'http:') throw refused('is not one of http or https')
  if (url.username !== '' || url.password !== '') throw refused('names a user or a password')
  if (url.hostname.endsWith('.')) throw refused('has a host that ends in a dot')
  if (url.href.length > URL_CHARS_MAX) {
    const message = `The URL has more than ${URL_CHARS_MAX} characters once it is escaped`
    throw new NetworkError(NETWORK_CODES.requestLimit, message)
  }
  url.hash = ''
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  return { url, isSecure, host, port: Number(url.port || (isSecure ? 443 : 80)) }
}

function parsed(text: string, base: URL | undefined): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined
}

/** Without the URL: it may hold what must not be recorded, or steer a terminal. */
function refused(reason: string): NetworkError {
  return new NetworkError(NETWORK_CODES.url, `The URL ${reason}`)
}

/** What a request claims of a grant. */
export function claimOf({ url, port }: Target, method: string): JsonObject {
  const { protocol, hostname, pathname } = url
  return { scheme: protocol.slice(0, -1), host: hostname, port, method, path: pathname }
}

/** A URL as it is recorded: without its query, which may be a secret of those who made it. */
export function shownUrl({ origin, pathname, search }: URL): string {
  const whole = `${origin}${pathname}`
  const isLong = whole.length > SHOWN_URL_CHARS_MAX
  const kept = isLong ? `${whole.slice(0, SHOWN_URL_CHARS_MAX - 1)}…` : whole
  return search === '' ? kept : `${kept}?…`
}

/** The untrusted source that an answer from this URL is of: its host, and its port if named. */
export function sourceOf(text: string): string {
  return `net:${parsed(text, undefined)?.host ?? '*'}`
}

/** A host in a message. */
export function shownHost({ url }: Target): string {
  return shownPath(url.hostname)
}
