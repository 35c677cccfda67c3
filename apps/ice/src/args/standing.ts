/** What `ice approve --always` is told: what is covered, who holds it, how often, until when. */
import type { Grant } from '@ice/capabilities/ports'
import { isGrantId, type Timestamp } from '@ice/primitives'
import type { StandingCommand } from '@ice/runs/ports'
import { CLI_CODES, CliError } from '../errors.ts'
import { isoTime } from '../terminal/format.ts'
import { jsonText, plain } from '../terminal/text.ts'
import { parseExpiry } from './duration.ts'
import { wholeNumber } from './values.ts'

/** Options that go with `--always`. */
export interface StandingOptions {
  readonly always?: boolean
  readonly count?: string
  readonly until?: string
  readonly covers?: string
  readonly holder?: string
  readonly dryRun?: boolean
}

const COVERS = ['call', 'place', 'action'] as const
const HOLDERS = ['run', 'agent', 'session'] as const

/** Reads them; `undefined` without `--always`. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function standingOf(options: StandingOptions, now: number): StandingCommand | undefined {
  const { always, count, until, covers, holder, dryRun } = options
  if (always !== true) {
    const lone = [count, until, covers, holder, dryRun].some((each) => each !== undefined)
    if (!lone) return undefined
    throw new CliError(
      CLI_CODES.usage,
      '--count, --until, --covers, --holder and --dry-run go with --always',
    )
  }
  return {
    covers: oneOf(COVERS, covers ?? 'call', '--covers'),
    holder: oneOf(HOLDERS, holder ?? 'run', '--holder'),
    ...(count === undefined ? {} : { count: wholeNumber(count, '--count') }),
    ...(until === undefined ? {} : { expiresAt: endOf(until, now) }),
  }
}

function oneOf<T extends string>(words: readonly T[], word: string, option: string): T {
  const found = words.find((each) => each === word)
  if (found !== undefined) return found
  throw new CliError(
    CLI_CODES.usage,
    `${option} is one of ${words.join(', ')}, not "${plain(word)}"`,
  )
}

function endOf(text: string, now: number): Timestamp {
  const expiry = parseExpiry(text, now)
  if ('fault' in expiry) throw new CliError(CLI_CODES.usage, `--until: ${plain(expiry.fault)}`)
  return expiry.at as Timestamp
}

/** A standing approval in words: everything that it covers. */
export function standingLines({ holder, resource, caveats, expiresAt }: Grant): readonly string[] {
  const { grant, actions, resources } = resource as Readonly<Record<string, unknown>>
  const isExact = 'arguments' in resource
  const [count] = caveats.flatMap((caveat) => (caveat.kind === 'count' ? [caveat.max] : []))
  return [
    `  ${plain(String(actions))} under grant ${isGrantId(grant) ? grant : '?'}`,
    resources === undefined
      ? '  wherever that grant allows it'
      : `  on ${plain(jsonText(resources))}`,
    isExact ? '  with exactly these arguments' : '  with any arguments',
    `  for ${plain(holder)}`,
    count === undefined ? '  any number of times' : `  at most ${count} times`,
    expiresAt === null ? '  until it is revoked' : `  until ${isoTime(expiresAt)}`,
  ]
}
