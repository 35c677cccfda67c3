/** The input of a run: JSON on the command line, in a file (`@file`), or on stdin (`-`). */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type IceError, parseStrict } from '@ice/primitives'
import { CLI_CODES, CliError } from '../errors.ts'
import { INPUT_BYTES_MAX, INPUT_NODES_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'

/** Where an input may come from. */
export interface InputSources {
  readonly cwd: string
  readonly stdin: AsyncIterable<Uint8Array | string>
}

/** What a run is given when nothing is. */
const NO_INPUT = {}

/** Reads the input. Left out it is `{}`. @throws `ICE_CLI_INPUT_UNSUPPORTED` */
export async function readInput(text: string | undefined, sources: InputSources): Promise<unknown> {
  if (text === undefined) return NO_INPUT
  if (text === '-') return parse(await readAll(sources.stdin), 'stdin')
  if (text.startsWith('@')) return parse(readInputFile(text.slice(1), sources.cwd), text.slice(1))
  return parse(text, '--input')
}

function readInputFile(path: string, cwd: string): Uint8Array {
  try {
    return readFileSync(resolve(cwd, path))
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
    throw new CliError(CLI_CODES.input, `The input file ${plain(path)} cannot be read (${code})`, {
      next: ['--input @<file> reads a file, --input - reads stdin'],
      cause,
    })
  }
}

async function readAll(stream: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    size += bytes.length
    if (size > INPUT_BYTES_MAX) throw tooLong('stdin')
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

function tooLong(source: string): CliError {
  const message = `The input from ${plain(source)} is longer than ${INPUT_BYTES_MAX} bytes`
  return new CliError(CLI_CODES.input, message, {
    next: ['large data belongs into files that the run may read'],
  })
}

function parse(source: Uint8Array | string, from: string): unknown {
  try {
    return parseStrict(source, { bytesMax: INPUT_BYTES_MAX, nodesMax: INPUT_NODES_MAX })
  } catch (cause) {
    if ((cause as IceError).code === undefined) throw cause
    const message = `The input from ${plain(from)} is not JSON as it has to be`
    throw new CliError(CLI_CODES.input, message, {
      next: ['quote it for the shell: --input \'{"name":"value"}\''],
      cause,
    })
  }
}
