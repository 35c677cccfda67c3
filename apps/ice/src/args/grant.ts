/**
 * The grammar of `--grant`: one root grant, issued to the run that is started.
 *
 *     grant    = name "=" actions ":" resource *( ";" option )
 *     actions  = action *( "," action )            ; fs.read,fs.list
 *     resource = "tool:" tool *( "," tool )        ; tools, told apart by name
 *              / "net:" url                        ; a place on the network, see net-grant.ts
 *              / [ "fs:" ] path                    ; a folder, or one file; ";;" stands for ";"
 *     option   = "count=" 1*DIGIT                  ; at most so many uses
 *              / "approval"                        ; every use needs a person
 *              / "approval-for=" actions           ; uses of these actions need one
 *              / "expires=" time                   ; 90s, 10m, 2h, 7d, 2030-01-31T12:00:00Z
 *              / "within=" path *( "," path )      ; paths below the folder it is limited to
 *              / "methods=" method *( "," method ) ; of requests to the network
 *              / "addresses=" range *( "," range ) ; public, loopback, 10.1.0.0/16
 *              / "delegable=" 1*DIGIT              ; links that may hang below it
 *
 * 1. Total: any text gives a grant or a coded error, and never less than was written: what is not
 *    understood is refused, because an option that is overlooked would widen the grant.
 * 2. Pure but for `probe`, which tells files from folders: a grant on a file is one on its folder,
 *    limited to it.
 *
 * The trap: `split(';')` on a path that holds one, which would read the rest of it as options.
 */

import type { Caveat, Resource } from '@ice/capabilities/ports'
import type { Timestamp } from '@ice/primitives'
import type { GrantSpec } from '@ice/runs/ports'
import { CLI_CODES, CliError } from '../errors.ts'
import { GRANT_CHARS_MAX, GRANT_NAME_CHARS_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'
import { TERM_OPTIONS, type TermsDraft, underTerms } from './approval-terms.ts'
import { parseExpiry } from './duration.ts'
import type { FolderProbe } from './folder.ts'
import { netResource } from './net-grant.ts'

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
  const draft: Draft = { actions, caveats: [], terms: {}, seen: new Set() }
  for (const option of options) {
    const fault = readOption(draft, option, setting.now)
    if (fault !== undefined) throw refuse(text, fault)
  }
  const resource = resourceOf(target, draft, setting.probe)
  if (typeof resource === 'string') throw refuse(text, resource)
  const caveats = underTerms(draft.caveats, draft.terms)
  if (typeof caveats === 'string') throw refuse(text, caveats)
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
  within?: readonly string[]
  methods?: readonly string[]
  addresses?: readonly string[]
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
  ['within', readWithin],
  ['methods', readMethods],
  ['addresses', readAddresses],
  ['delegable', readDelegable],
  ...[...TERM_OPTIONS].map(([name, read]): [string, ReadOption] => [
    name,
    ({ terms }, value) => read(terms, value),
  ]),
])

/** Takes one option over. @returns why it cannot be */
function readOption(draft: Draft, option: string, now: number): string | undefined {
  const equals = option.indexOf('=')
  const key = equals < 0 ? option : option.slice(0, equals)
  if (draft.seen.has(key)) return `the option "${key}" stands in it twice`
  draft.seen.add(key)
  if (option === 'approval') {
    draft.caveats.push({ kind: 'approval' })
    return undefined
  }
  const known = ['approval', ...OPTIONS.keys()].join(', ')
  const read = OPTIONS.get(key)
  if (read === undefined || equals < 0) {
    return `"${option}" is no option; the options are ${known}, and ";;" stands for a ";"`
  }
  return read(draft, option.slice(equals + 1), now)
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

function readWithin(draft: Draft, value: string): string | undefined {
  const paths = value.split(',')
  if (paths.includes('')) return 'within names an empty path'
  draft.within = paths
  return undefined
}

function readMethods(draft: Draft, value: string): string | undefined {
  draft.methods = value.split(',')
  return undefined
}

function readAddresses(draft: Draft, value: string): string | undefined {
  draft.addresses = value.split(',')
  return undefined
}

function readDelegable(draft: Draft, value: string): string | undefined {
  const delegable = wholeNumber(value, 31)
  if (delegable === undefined) return `delegable is a number of links from 0 to 31, not "${value}"`
  draft.delegable = delegable
  return undefined
}

function resourceOf(target: string, draft: Draft, probe: FolderProbe): Resource | string {
  const { within } = draft
  if (target.startsWith('net:')) {
    return within === undefined
      ? netResource(target.slice('net:'.length), draft)
      : 'within is for files'
  }
  if (draft.methods !== undefined) return 'methods is for the network'
  if (draft.addresses !== undefined) return 'addresses is for the network'
  if (target.startsWith('tool:')) {
    if (within !== undefined) return 'within is for files'
    const [name = '', ...more] = target.slice('tool:'.length).split(',')
    if (name === '' || more.includes('')) return 'the name of a tool is empty'
    return more.length === 0 ? { kind: 'tool', name } : { kind: 'tool', names: [name, ...more] }
  }
  const path = target.startsWith('fs:') ? target.slice('fs:'.length) : target
  if (path === '') return 'it names no folder'
  const found = probe(path)
  if ('fault' in found) return found.fault
  if (found.file === undefined) {
    return { kind: 'fs', root: found.root, ...(within === undefined ? {} : { within }) }
  }
  if (within !== undefined) return 'within is for folders, and this is a file'
  return { kind: 'fs', root: found.root, within: [found.file] }
}
