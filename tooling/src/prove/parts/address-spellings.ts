/** Every way in which people are known to spell an address so that a guard does not see it. */

const bytesOf = (address: string): readonly [number, number, number, number] => {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return [a, b, c, d]
}

const hex = (value: number, width = 1): string => value.toString(16).padStart(width, '0')
const octal = (value: number): string => `0${value.toString(8)}`

/** One part, two, three, or four, each in decimal, octal and hex, with zeros before them. */
const v4Spellings = (address: string): readonly string[] => {
  const [a, b, c, d] = bytesOf(address)
  const shapes = [
    [a, b, c, d],
    [a, b, c * 256 + d],
    [a, b * 65_536 + c * 256 + d],
    [a * 16_777_216 + b * 65_536 + c * 256 + d],
  ]
  const ways: readonly ((value: number, at: number) => string)[] = [
    (value) => String(value),
    octal,
    (value) => `0x${hex(value)}`,
    (value) => `0X${hex(value).toUpperCase()}`,
    (value) => `0x${hex(value, 12)}`,
    (value) => `0000${octal(value)}`,
    (value, at) => (at % 2 === 0 ? octal(value) : `0x${hex(value)}`),
    (value, at) => (at === 0 ? `0x${hex(value)}` : String(value)),
  ]
  return shapes.flatMap((shape) => ways.map((way) => shape.map(way).join('.')))
}

/** The v4 address inside a v6 one, by every mechanism that has put it there. */
const v6Spellings = (address: string): readonly string[] => {
  const [a, b, c, d] = bytesOf(address)
  const groups = `${hex(a * 256 + b)}:${hex(c * 256 + d)}`
  const swapped = `${hex((a ^ 255) * 256 + (b ^ 255))}:${hex((c ^ 255) * 256 + (d ^ 255))}`
  return [
    `::${address}`,
    `::${groups}`,
    `::ffff:${address}`,
    `::ffff:${groups}`,
    `::FFFF:${groups.toUpperCase()}`,
    `0:0:0:0:0:ffff:${groups}`,
    `0000:0000:0000:0000:0000:ffff:${address}`,
    `::ffff:0:${groups}`,
    `64:ff9b::${groups}`,
    `64:ff9b::${address}`,
    `64:ff9b:1::${groups}`,
    `2002:${groups}::`,
    `2002:${groups}::1`,
    `2001:0:${groups}::`,
    `2001::${swapped}`,
    `fe80::5efe:${groups}`,
  ].map((text) => `[${text}]`)
}

const ZERO_WIDTH = '\u00ad'
const wide = (text: string, zero: number): string =>
  text.replaceAll(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)))

/** Digits and dots of other scripts, escapes, users, ports, dots at the end, and zones. */
const disguises = (address: string): readonly string[] => [
  wide(address, 0xff10),
  wide(address, 0x1d7ce),
  wide(address, 0x1d7d8),
  wide(address, 0x1d7f6),
  address.replaceAll('.', '\u3002'),
  address.replaceAll('.', '\uff0e'),
  address.replaceAll('.', '\uff61'),
  address.replaceAll('.', '%2e'),
  address.replaceAll(/\d/g, (digit) => `%3${digit}`),
  `${address.slice(0, 1)}${ZERO_WIDTH}${address.slice(1)}`,
  `${address}.`,
  `${address}..`,
  `user@${address}`,
  `public.test@${address}`,
  `public.test:80@${address}`,
  `public.test%40${address}`,
  `public.test#@${address}`,
  `public.test?@${address}`,
  `public.test\\@${address}`,
  `${address}\\@public.test`,
  `${address}%00.public.test`,
  `${address}\t`,
  `${address}\n`,
  ` ${address}`,
  `[${address}]`,
  `[::ffff:${address}%25lo]`,
  `[::1%lo]`,
  '[::1%25lo]',
  '[fe80::1%25eth0]',
]

/** Other names of this machine. */
const SELVES = [
  'localhost',
  'LOCALHOST',
  'loc\u00adalhost',
  'ｌｏｃａｌｈｏｓｔ',
  'localhost.',
  'a.localhost',
  '0',
  '0.0.0.0',
  '00.0x0.0',
  '127.255.255.254',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[0000:0000::0001]',
  '[::0.0.0.1]',
] as const

/** Host parts of URLs: all spellings of the addresses, and of this machine. */
export const addressSpellings = (addresses: readonly string[]): readonly string[] => [
  ...new Set([
    ...addresses.flatMap((address) => [
      ...v4Spellings(address),
      ...v6Spellings(address),
      ...disguises(address),
    ]),
    ...SELVES,
  ]),
]
