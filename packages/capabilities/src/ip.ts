/**
 * Internet addresses as numbers: parsed strictly, written in one way.
 *
 *     v4 = four decimal numbers of 0 to 255, without leading zeros, between "."
 *     v6 = RFC 4291 text, written as RFC 5952 has it; no zone, which is a place and not a number
 *
 * The trap: `inet_aton` and its heirs take `0177.1`, `2130706433` and `0x7f.1` for loopback. What
 * is no address in this one spelling is no address here.
 */

/** An address. */
export interface Ip {
  readonly family: 4 | 6
  readonly value: bigint
}

/** All addresses that share their first `bits` bits. */
export interface IpRange {
  readonly family: 4 | 6
  readonly first: bigint
  readonly bits: number
}

const WIDTH = { 4: 32, 6: 128 } as const
const BYTE = /^(?:0|[1-9]\d{0,2})$/
const GROUP = /^[0-9a-f]{1,4}$/i

/** @units characters of the longest spelling of an address */
const ADDRESS_CHARS_MAX = 45

/** The address a text spells, or `undefined`. */
export function parseIp(text: string): Ip | undefined {
  if (text.length > ADDRESS_CHARS_MAX) return undefined
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

function parseV4(text: string): Ip | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0n
  for (const part of parts) {
    if (!BYTE.test(part) || Number(part) > 255) return undefined
    value = value * 256n + BigInt(part)
  }
  return { family: 4, value }
}

function parseV6(text: string): Ip | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half, at) => groupsOf(half, at === halves.length - 1))
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined
  const missing = 8 - head.length - (tail?.length ?? 0)
  // "::" stands for one group at least; without it there are eight.
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])]
  return { family: 6, value: groups.reduce((sum, group) => sum * 65_536n + BigInt(group), 0n) }
}

/** The 16-bit groups of one half; at the very end may stand a v4 address, which is two of them. */
function groupsOf(half: string, isEnd: boolean): readonly number[] | undefined {
  if (half === '') return []
  const parts = half.split(':')
  const groups: number[] = []
  for (const [at, part] of parts.entries()) {
    const isV4 = isEnd && at === parts.length - 1
    const v4 = isV4 ? parseV4(part) : undefined
    if (v4 !== undefined) groups.push(Number(v4.value >> 16n), Number(v4.value & 0xffffn))
    else if (GROUP.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** The one spelling of an address: as `URL` writes it, without brackets. */
export function formatIp({ family, value }: Ip): string {
  if (family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.')
  }
  const groups = Array.from({ length: 8 }, (_, at) =>
    Number((value >> BigInt(16 * (7 - at))) & 0xffffn),
  )
  const { start, length } = longestZeros(groups)
  const text = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(':')
  if (length < 2) return text(groups)
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let run = 0
  for (const [at, group] of groups.entries()) {
    run = group === 0 ? run + 1 : 0
    if (run > best.length) best = { start: at - run + 1, length: run }
  }
  return best
}

/** A range as `address/bits`, with nothing after the prefix; or `undefined`. */
export function parseRange(text: string): IpRange | undefined {
  const [address = '', bits = '', ...more] = text.split('/')
  const ip = parseIp(address)
  if (ip === undefined || more.length > 0 || !BYTE.test(bits)) return undefined
  const { family, value } = ip
  const range = { family, first: value, bits: Number(bits) }
  if (range.bits > WIDTH[family] || formatIp(ip) !== address) return undefined
  return value === masked(value, range) ? range : undefined
}

function masked(value: bigint, { family, bits }: Omit<IpRange, 'first'>): bigint {
  const shift = BigInt(WIDTH[family] - bits)
  return (value >> shift) << shift
}

/** Whether an address lies in a range. */
export function isInRange({ family, value }: Ip, range: IpRange): boolean {
  return family === range.family && masked(value, range) === range.first
}

/** Whether a range lies in another. */
export function isWithinRange(inner: IpRange, outer: IpRange): boolean {
  return inner.bits >= outer.bits && isInRange({ family: inner.family, value: inner.first }, outer)
}

/** Whether two ranges share an address. */
export function overlaps(one: IpRange, other: IpRange): boolean {
  return isWithinRange(one, other) || isWithinRange(other, one)
}

/** The only address of a range, when it has but one. */
export function onlyAddress({ family, first, bits }: IpRange): Ip | undefined {
  return bits === WIDTH[family] ? { family, value: first } : undefined
}
