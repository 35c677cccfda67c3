/** Roots that were noted: `<size>:<root>`, as a verification prints them. */
import type { NotedRoot } from '@ice/events'
import { type Hash, isHash } from '@ice/primitives'
import { CLI_CODES, CliError } from '../errors.ts'
import { plain } from '../terminal/text.ts'

/** Reads what `--noted` was given. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function parseNoted(text: string): NotedRoot {
  const [, size, root] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (size !== undefined && root !== undefined && isHash(root) && Number(size) > 0) {
    return { size: Number(size), root: root as Hash }
  }
  throw new CliError(CLI_CODES.usage, `--noted takes <size>:<root>, not "${plain(text)}"`, {
    next: ['it is the line that `ice verify` prints to be noted'],
  })
}
