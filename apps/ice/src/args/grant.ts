/**
 * The grammar of `--grant`: one root grant, issued to the run that is started.
 *
 *     grant    = name "=" actions ":" resource *( ";" option )
 *     actions  = action *( "," action )            ; fs.read,fs.list
 *     resource = [ kind ":" ] target               ; a path without a kind; see resource.ts
 *     option   = "count=" 1*DIGIT                  ; at most so many uses
 *              / "approval"                        ; every use needs a person
 *              / "approval-for=" actions           ; uses of these actions need one
 *              / "trusted" [ "=" pointers ]        ; what stands there in the arguments is trusted
 *              / "readers=" reader *( "," reader ) ; these may read the arguments,
 *              / "readers-at=" pointers            ; or only what stands there
 *              / "expires=" time                   ; 90s, 10m, 2h, 7d, 2030-01-31T12:00:00Z
 *              / "delegable=" 1*DIGIT              ; links that may hang below it
 *              / what belongs to the kind of the resource
 *     pointers = pointer *( "," pointer )          ; JSON pointers into the arguments
 *
 * 1. Total: any text gives a grant or a coded error, and never less than was written: what is not
 *    understood is refused, because an option that is overlooked would widen the grant.
 * 2. Pure but for `probe`, which tells files from folders: a grant on a file is one on its folder,
 *    limited to it.
 *
 * The trap: `split(';')` on a path that holds one, which would read the rest of it as options.
 */

import { caveatFault } from '@ice/capabilities'
import type { Caveat, Resource } from '@ice/capabilities/ports'
import type { Timestamp } from '@ice/primitives'
import type { GrantSpec } from '@ice/runs/ports'
import { CLI_CODES, CliError } from '../errors.ts'
import { GRANT_CHARS_MAX, GRANT_NAME_CHARS_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'
import { TERM_OPTIONS, type TermsDraft, underTerms } from './approval-terms.ts'
import { parseExpiry } from './duration.ts'
import type { FolderProbe } from './folder.ts'
import { type Particulars, RESOURCE_OPTIONS, readParticular, resourceOf } from './resource.ts'

/** A grant under the name that the program uses for it. */
export interface NamedGrant {
  readonly name: string
  readonly spec: GrantSpec
}

/** What a grant is read against. */
export interface GrantSetting {
  /** Epoch milliseconds. */
  readonly now: number
  /** Makes a path absolute, and finds out what is there. */
  readonly probe: FolderProbe
}

const EXAMPLE = "for example --grant 'source=fs.read,fs.list:./src;expires=10m'"
const ACTION = /^[\w.:+~-]{1,128}$/

function refuse(text: string, why: string): CliError {
  const shown = plain(text.length > 200 ? `${text.slice(0, 200)}…` : text)
  return new CliError(CLI_CODES.grant, `The grant "${shown}" is not understood: ${plain(why)}`, {
    next: [EXAMPLE],
  })
}

/** Reads one grant. @throws `ICE_CLI_GRANT_UNSUPPORTED` */
export function parseGrant(text: string, setting: GrantSetting): NamedGrant {
  if (text.length > GRANT_CHARS_MAX) throw refuse(text, `it is longer than ${GRANT_CHARS_MAX}`)
  const equals = text.indexOf('=')
  if (equals < 0) throw refuse(text, 'it has no "=" between its name and its actions')
  const name = text.slice(0, equals)
  if (name === '' || name !== plain(name) || name.length > GRANT_NAME_CHARS_MAX) {
    throw refuse(text, 'its name is empty, too long, or not printable')
  }
  const colon = text.indexOf(':', equals)
  if (colon < 0) throw refuse(text, 'it has no ":" between its actions and its resource')
  const actions = parseActions(text.slice(equals + 1, colon))
  if (typeof actions === 'string') throw refuse(text, actions)
  const [target = '', ...options] = splitOptions(text.slice(colon + 1))
  const draft: Draft = {
    actions,
    caveats: [],
    terms: {},
    seen: new Set(),
    particulars: new Map(),
  }
  for (const option of options) {
    const fault = readOption(draft, option, setting.now)
    if (fault !== undefined) throw refuse(text, fault)
  }
  const { particulars } = draft
  const resource = resourceOf(target, { actions, particulars, probe: setting.probe })
  if (typeof resource === 'string') throw refuse(text, resource)
  const stated = withReaders(draft)
  const caveats = typeof stated === 'string' ? stated : underTerms(stated, draft.terms)
  if (typeof caveats === 'string') throw refuse(text, caveats)
  for (const caveat of caveats) {
    const fault = caveatFault(caveat)
    if (fault !== undefined) throw refuse(text, fault)
  }
  return { name, spec: specOf({ ...draft, caveats: [...caveats] }, resource) }
}

/** A grant as far as it has been read. */
interface Draft {
  readonly actions: readonly string[]
  readonly caveats: Caveat[]
  readonly terms: TermsDraft
  readonly seen: Set<string>
  expiresAt?: number
  delegable?: number
  readers?: readonly string[]
  readersAt?: readonly string[]
  /** Options that belong to the kind of the resource. */
  readonly particulars: Particulars
}

function specOf({ actions, caveats, expiresAt, delegable }: Draft, resource: Resource): GrantSpec {
  return {
    actions,
    resource,
    ...(caveats.length === 0 ? {} : { caveats }),
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt as Timestamp }),
    ...(delegable === undefined ? {} : { delegable }),
  }
}

/** The list of actions, or why it is none. */
function parseActions(text: string): readonly string[] | string {
  const actions = text.split(',')
  const odd = actions.find((action) => !ACTION.test(action))
  if (odd !== undefined) return `"${odd}" is no action; one reads fs.read`
  return new Set(actions).size < actions.length ? 'an action stands in it twice' : actions
}

/** Parts at single semicolons; a double one is a character of the part. */
function splitOptions(text: string): readonly string[] {
  const parts: string[] = []
  let part = ''
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== ';') part += text[at]
    else if (text[at + 1] === ';') {
      part += ';'
      at += 1
    } else {
      parts.push(part)
      part = ''
    }
  }
  return [...parts, part]
}

type ReadOption = (draft: Draft, value: string, now: number) => string | undefined

const OPTIONS: ReadonlyMap<string, ReadOption> = new Map<string, ReadOption>([
  ['count', readCount],
  ['approval-for', readApprovalFor],
  ['expires', readExpires],
  ['trusted', readTrusted],
  ['readers', readReaders],
  ['readers-at', readReadersAt],
  ['delegable', readDelegable],
  ...[...TERM_OPTIONS].map(([name, read]): [string, ReadOption] => [
    name,
    ({ terms }, value) => read(terms, value),
  ]),
])

/** Caveats that are whole without a value. */
const BARE: ReadonlyMap<string, Caveat> = new Map<string, Caveat>([
  ['approval', { kind: 'approval' }],
  ['trusted', { kind: 'trusted', paths: [''] }],
])

/** Takes one option over. @returns why it cannot be */
function readOption(draft: Draft, option: string, now: number): string | undefined {
  const equals = option.indexOf('=')
  const key = equals < 0 ? option : option.slice(0, equals)
  if (draft.seen.has(key)) return `the option "${key}" stands in it twice`
  draft.seen.add(key)
  const bare = BARE.get(option)
  if (bare !== undefined) {
    draft.caveats.push(bare)
    return undefined
  }
  const value = equals < 0 ? undefined : option.slice(equals + 1)
  if (RESOURCE_OPTIONS.includes(key)) return readParticular(draft.particulars, key, value)
  const read = OPTIONS.get(key)
  if (read !== undefined && value !== undefined) return read(draft, value, now)
  const known = [...new Set([...BARE.keys(), ...OPTIONS.keys(), ...RESOURCE_OPTIONS])].join(', ')
  return `"${option}" is no option; the options are ${known}, and ";;" stands for a ";"`
}

function wholeNumber(text: string, max: number): number | undefined {
  if (!/^\d{1,15}$/.test(text)) return undefined
  const value = Number(text)
  return value <= max ? value : undefined
}

function readCount(draft: Draft, value: string): string | undefined {
  const max = wholeNumber(value, 1_000_000_000_000)
  if (max === undefined || max === 0) return `count is a number of uses from 1, not "${value}"`
  draft.caveats.push({ kind: 'count', max })
  return undefined
}

function readApprovalFor(draft: Draft, value: string): string | undefined {
  const actions = parseActions(value)
  if (typeof actions === 'string') return `approval-for: ${actions}`
  const foreign = actions.find((action) => !draft.actions.includes(action))
  if (foreign !== undefined) return `approval-for names "${foreign}", which is not granted here`
  draft.caveats.push({ kind: 'approval-for', actions })
  return undefined
}

function readExpires(draft: Draft, value: string, now: number): string | undefined {
  const expiry = parseExpiry(value, now)
  if ('fault' in expiry) return expiry.fault
  draft.expiresAt = expiry.at
  return undefined
}

function readTrusted(draft: Draft, value: string): string | undefined {
  draft.caveats.push({ kind: 'trusted', paths: value.split(',') })
  return undefined
}

function readReaders(draft: Draft, value: string): string | undefined {
  draft.readers = value.split(',')
  return undefined
}

function readReadersAt(draft: Draft, value: string): string | undefined {
  draft.readersAt = value.split(',')
  return undefined
}

/** All caveats: that on readers is said by two options. */
function withReaders({ caveats, readers, readersAt }: Draft): readonly Caveat[] | string {
  if (readers === undefined) {
    return readersAt === undefined ? caveats : 'readers-at says where readers= holds'
  }
  return [...caveats, { kind: 'readers', paths: readersAt ?? [''], include: readers }]
}

function readDelegable(draft: Draft, value: string): string | undefined {
  const delegable = wholeNumber(value, 31)
  if (delegable === undefined) return `delegable is a number of links from 0 to 31, not "${value}"`
  draft.delegable = delegable
  return undefined
}
