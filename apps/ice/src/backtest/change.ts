/** From the options of `backtest` to the one change of authority that they mean. */
import type { AuthorityChange, Caveat, Grant } from '@ice/capabilities/ports'
import type { EventLog } from '@ice/events/ports'
import { type GrantId, parseStrict, type StreamId } from '@ice/primitives'
import { pointInTime } from '../args/duration.ts'
import { readText } from '../args/file.ts'
import { CLI_CODES, CliError } from '../errors.ts'
import { findGrant } from '../log/find.ts'
import { grantOf } from '../log/grants.ts'
import { plain } from '../terminal/text.ts'
import { openPolicy, type PolicyFiles } from './policy.ts'

/** What can be changed; exactly one of them. */
export interface ChangeOptions extends PolicyFiles {
  readonly revoke?: string
  /** A grant, and the caveat as JSON. */
  readonly caveat?: readonly string[]
  /** A grant, and a file with the members that differ. */
  readonly replace?: readonly string[]
  /** A grant, and a time. */
  readonly expire?: readonly string[]
}

const KINDS = ['policy', 'revoke', 'caveat', 'replace', 'expire'] as const

/** The change that was asked for. @throws `ICE_CLI_USAGE_UNSUPPORTED`, `ICE_CLI_FILE_NOT_FOUND` */
export async function readChange(
  log: EventLog,
  options: ChangeOptions,
  cwd: string,
): Promise<AuthorityChange> {
  const given = KINDS.filter((kind) => options[kind] !== undefined)
  const [kind] = given
  if (kind === undefined || given.length > 1) {
    const all = KINDS.map((each) => `--${each}`).join(', ')
    throw new CliError(CLI_CODES.usage, `Exactly one change is judged: one of ${all}`)
  }
  if (kind === 'policy') return { policy: await openPolicy(options, cwd) }
  if (kind === 'revoke') return { revoke: await findGrant(log, options.revoke ?? '') }
  const [typed, value] = options[kind] ?? []
  if (typed === undefined || value === undefined || options[kind]?.length !== 2) {
    throw new CliError(CLI_CODES.usage, `--${kind} takes a grant and ${WANTED[kind]}`)
  }
  const grant = await recordedGrant(log, await findGrant(log, typed))
  return { grant: { ...grant, ...membersOf(kind, grant, { value, cwd }) } }
}

const WANTED = { caveat: 'a caveat as JSON', replace: 'a JSON file', expire: 'a time' } as const

function membersOf(
  kind: keyof typeof WANTED,
  { id, caveats }: Grant,
  { value, cwd }: { readonly value: string; readonly cwd: string },
): Partial<Grant> {
  if (kind === 'expire') return { expiresAt: timeOf(value) as Grant['expiresAt'] }
  if (kind === 'caveat') {
    return { caveats: [...caveats, recordOf(value, '--caveat') as unknown as Caveat] }
  }
  const members = recordOf(readText(value, cwd), value) as Partial<Grant>
  if (members.id === undefined || members.id === id) return members
  throw new CliError(CLI_CODES.usage, `${plain(value)} is about another grant than ${id}`)
}

function timeOf(text: string): number {
  const at = /^\d{1,15}$/.test(text) ? Number(text) : pointInTime(text, Date.now())
  if (at !== undefined && Number.isSafeInteger(at)) return at
  const message = `"${plain(text)}" is no time: write 2030-01-31T12:00:00Z or epoch milliseconds`
  throw new CliError(CLI_CODES.usage, message)
}

function recordOf(text: string, from: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = parseStrict(text)
  } catch (cause) {
    throw new CliError(CLI_CODES.usage, `${plain(from)} is not JSON as it has to be`, { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>
  }
  throw new CliError(CLI_CODES.usage, `${plain(from)} is a JSON object`)
}

async function recordedGrant(log: EventLog, id: GrantId): Promise<Grant> {
  for await (const [event] of log.read({ stream: `grant/${id}` as StreamId, limit: 1 })) {
    if (event !== undefined) return grantOf(event).grant
  }
  throw new CliError(CLI_CODES.grantNotFound, `No grant ${id} in this log`)
}
