/**
 * Hosts and paths of the resource kind `net`: their one spelling, and what lies within what.
 *
 *     host   = name | v4 | "[" v6 "]"
 *     name   = label *( "." label )       ; lower case, digits, "-", "_"; the last not a number
 *     hosts  = host | "*." name | "*"     ; "*." holds what has one label more, or several
 *     path   = "/" segment *( "/" segment )
 *
 * 1. A host is written as `new URL` writes it: a name in another script as `xn--…`, no dot at its
 *    end, an address in its one spelling. `*` holds every name and no address.
 * 2. A name is compared label by label: `*.example.com` holds `a.example.com`, and neither
 *    `example.com` nor `badexample.com`.
 * 3. A path is compared segment by segment, and only where it means the same to every server: what
 *    decodes to another path is refused by a grant that has `paths`.
 *
 * The trap: `/public/..%2fadmin` lies below `/public` for whoever compares, and nowhere near it for
 * a server that decodes first.
 */
import { formatIp, parseIp } from './ip.ts'
import { PATH_BYTES_MAX } from './limits.ts'
import { shown } from './text.ts'

/** @units characters of a name (RFC 1035 §2.3.4), and of one of its labels */
const NAME_CHARS_MAX = 253
const LABEL_CHARS_MAX = 63

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/
/** What `URL` takes for the last part of a v4 address, however it is spelled. */
const NUMBER = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/
/** Slashes, and what some servers fold into one. */
const SLASH = /[/\\\u2044\u2215\ufe68\uff0f\uff3c]/
/** Dots, what is folded into them, and what some servers cut off at a ";". */
const CLIMB = /^\s*(?:[.\u2024\ufe52\uff0e]{1,2}|\u2025)\s*(?:;.*)?$/s
/** What may stand in the path of a request: no space, no quotes, nothing that ends a path. */
const PATH = /^\/[!$%&'()*+,\-./0-9:;=@A-Z[\]^_a-z|~]*$/

/** Whether this is an address, in its one spelling; v6 in brackets. */
export function literalOf(host: string): string | undefined {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  const ip = parseIp(bare)
  if (ip === undefined || formatIp(ip) !== bare) return undefined
  return (ip.family === 6) === (bare !== host) ? bare : undefined
}

function isName(text: string): boolean {
  if (text.length > NAME_CHARS_MAX) return false
  const labels = text.split('.')
  const fits = labels.every((label) => label.length <= LABEL_CHARS_MAX && LABEL.test(label))
  return fits && !NUMBER.test(text)
}

/** Why this is not one host in its one spelling, or `undefined`. */
export function hostFault(host: unknown): string | undefined {
  if (typeof host !== 'string') return `a host is text, not ${shown(host)}`
  if (isName(host) || literalOf(host) !== undefined) return undefined
  return `${shown(host)} is no host as "new URL" writes it: lower case, xn-- for other scripts`
}

/** Why this is no entry of `hosts`, or `undefined`. */
export function hostPatternFault(entry: unknown): string | undefined {
  if (entry === '*') return undefined
  if (typeof entry !== 'string' || !entry.startsWith('*.')) return hostFault(entry)
  if (isName(entry.slice(2))) return undefined
  return `${shown(entry)} is no "*." with a name behind it`
}

/** Whether an entry of `hosts` holds a host, or all that another entry holds. */
export function holdsHost(entry: string, host: string): boolean {
  if (entry === host) return true
  if (literalOf(host) !== undefined) return false
  if (entry === '*') return true
  return entry.startsWith('*.') && host.endsWith(entry.slice(1))
}

/** Why this is not the path of a request, or `undefined`. */
export function pathFault(path: unknown): string | undefined {
  if (typeof path !== 'string') return `a path is text, not ${shown(path)}`
  if (path.length > PATH_BYTES_MAX) return `a path has at most ${PATH_BYTES_MAX} bytes`
  if (!PATH.test(path)) return `the path ${shown(path)} is not one as "new URL" writes it`
  if (path.split('/').some(isDots)) return `the path ${shown(path)} holds "." or ".."`
  return undefined
}

function isDots(segment: string): boolean {
  return /^(?:\.|%2e){1,2}$/i.test(segment)
}

/** Why this is no entry of `paths`, or `undefined`. */
export function prefixFault(prefix: unknown): string | undefined {
  const fault = pathFault(prefix) ?? ambiguity(prefix as string)
  if (fault !== undefined) return fault
  if (prefix === '/') return '"paths" holds "/"; leave it out to grant the whole host'
  const hasGap = (prefix as string).slice(1).split('/').includes('')
  return hasGap ? `the path ${shown(prefix)} has an empty segment, or ends in "/"` : undefined
}

/** Why servers may not agree on what a path means, or `undefined`. */
export function ambiguity(path: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(path))
    return `the path ${shown(path)} has a "%" that escapes nothing`
  if (/%(?:2f|5c|25|0\d|1\d|0[a-f]|1[a-f]|7f)/i.test(path)) {
    return `the path ${shown(path)} escapes "/", "\\", "%" or a control character`
  }
  const text = decoded(path)
  if (text === undefined) return `the path ${shown(path)} escapes what is not UTF-8`
  const climbs = text.split(SLASH).some((segment) => CLIMB.test(segment))
  return climbs ? `the path ${shown(path)} can be read as "." or ".."` : undefined
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** Whether a path is a prefix or lies below it. */
export function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 47
}
