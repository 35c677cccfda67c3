/**
 * A program that is given a secret in a variable and in its input, and tells it in every way.
 *
 *     node secret-teller.ts NUMBER          in the folder that it may write to
 *
 * Beside its streams it leaves `got/NUMBER.json`, by which the proof knows what arrived, and on how
 * many command lines that can be read from here it stands; and `told/NUMBER.txt`, to be read back.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

const number = process.argv[2] ?? ''
const said = process.env['SECRET'] ?? ''
const input = readFileSync(0, 'utf8')
const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')
const hex = (text: string): string => Buffer.from(text).toString('hex')
const percent = encodeURIComponent
const html = said.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

const commandLines = (): readonly string[] =>
  readdirSync('/proc').flatMap((name) => {
    if (!/^[0-9]+$/.test(name)) return []
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1')
    } catch {
      return [] // it has ended, or is not ours to look into
    }
  })

const raw = Buffer.from(said).toString('latin1')
const seen = commandLines().filter((line) => line.includes(raw)).length
writeFileSync(`got/${number}.json`, JSON.stringify({ said, input, seen }))

const ways = [
  `you said ${said}`,
  JSON.stringify({ said, deep: { [said]: [said] } }),
  JSON.stringify(JSON.stringify({ said })),
  percent(said),
  percent(percent(said)),
  ...['', 'a', 'ab'].map((before) => base64(`${before}${said}b`)),
  Buffer.from(`ab${said}`).toString('base64url'),
  base64(base64(said)),
  base64(percent(said)),
  hex(said),
  hex(said).toUpperCase(),
  hex(base64(said)),
  html,
  input,
]
writeFileSync(`told/${number}.txt`, ways.join('\n\n'))

const write = (stream: NodeJS.WriteStream, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => stream.write(bytes, () => resolve()))

for (const way of ways) {
  await write(process.stdout, Buffer.from(`${way}\n\n`))
  await write(process.stderr, Buffer.from(`failed: ${way}\n\n`))
}
// In pieces, as they come from a program that flushes often.
const bytes = Buffer.from(`in pieces ${said} `)
for (let at = 0; at < bytes.length; at += 7) await write(process.stdout, bytes.subarray(at, at + 7))
if (Number(number) % 2 === 1) await write(process.stdout, Buffer.from([0, 255, 254]))
process.exitCode = Number(number) % 3
