/** The folder that the proof surveys: small, generated from a seed, with odd entries. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '@ice/primitives'

const ENDINGS = ['ts', 'py', 'md', 'rs', 'txt', 'bin', 'go', 'json'] as const
const WORDS = ['let', 'x', '=', 'TODO', 'FIXME', 'call()', '\n', '\n', '\n', '// note'] as const

/** Picks one. */
export const pick = <T>(random: Random, from: readonly T[]): T =>
  from[random.uint32() % from.length] as T

/** Makes the folder. @returns the paths of its files */
export const makeFolder = (root: string, random: Random, files: number): readonly string[] => {
  mkdirSync(root, { recursive: true })
  const folders = ['', 'src', 'src/deep/er', 'docs', 'a b', 'ünï']
  for (const folder of folders) mkdirSync(join(root, folder), { recursive: true })
  const made: string[] = []
  const make = (path: string, content: string | Uint8Array): void => {
    writeFileSync(join(root, path), content)
    made.push(path)
  }
  make('package.json', '{ "license": "MIT", "dependencies": { "left-pad": "1.3.0" } }\n')
  make('LICENSE', 'SPDX-License-Identifier: MIT\n')
  make('empty', '')
  for (let at = made.length; at < files; at += 1) {
    const folder = pick(random, folders)
    const path = join(folder, `file-${at}.${pick(random, ENDINGS)}`)
    const words = Array.from({ length: random.uint32() % 400 }, () => pick(random, WORDS))
    make(path, path.endsWith('.bin') ? random.bytes(2_000) : words.join(' '))
  }
  symlinkSync('..', join(root, 'up'))
  symlinkSync('loop', join(root, 'loop'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  return made
}
