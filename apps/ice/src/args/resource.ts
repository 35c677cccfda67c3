/**
 * The resource of `--grant`, with the options that belong to its kind.
 *
 *     resource = [ "fs:" ] path                   ; a folder, or one file        within=<path>,…
 *              / "tool:" names                    ; tools, told apart by name
 *              / "net:" url                       ; see net-grant.ts    methods=…  addresses=…
 *              / "proc:" paths                    ; programs, see proc-grant.ts
 *              / "secret:" secrets                ; origins=<origin>,…  programs=<path>,…
 *              / "model:" models                  ; max-output-tokens=<n>
 *              / "memory:" names                  ; spaces              types=<type>,…
 *              / "spawn:" programs                ; depth=<n>  width=<n>
 *     secrets  = name *( "," name )               ; github/token; github/* for all below
 *     models   = model *( "," model )             ; provider/id; provider/* for all of them
 *     programs = name [ "@" version ], …          ; without a version: every one
 *
 * 1. An option of another kind is refused: it was written to narrow.
 * 2. What was read is held against the kind's own rules, so that a mistake is told here and not
 *    when the run is started.
 *
 * The trap: `*` is a mark of this grammar and of no resource. Where it is anything else than the
 * last segment of a name that has one, it is refused, and not taken for a name.
 */

import {
  fsKind,
  memoryKind,
  modelKind,
  procKind,
  secretKind,
  spawnKind,
  toolKind,
} from '@ice/capabilities'
import type { Resource, ResourceKind } from '@ice/capabilities/ports'
import type { FolderProbe } from './folder.ts'
import { netResource } from './net-grant.ts'
import { procResource } from './proc-grant.ts'

/** Options that belong to a kind of resource, by name, as they were read. */
export type Particulars = Map<string, readonly string[] | number | string | true>

/** What a resource is read with. */
export interface ResourceSetting {
  readonly actions: readonly string[]
  readonly particulars: Particulars
  readonly probe: FolderProbe
}

type Shape = 'list' | 'number' | 'text' | 'flag'

/** The kind that each option belongs to, and how it is written. */
const OPTIONS: ReadonlyMap<string, readonly [kind: string, shape: Shape]> = new Map([
  ['within', ['fs', 'list']],
  ['methods', ['net', 'list']],
  ['addresses', ['net', 'list']],
  ['root', ['proc', 'text']],
  ['args', ['proc', 'text']],
  ['env', ['proc', 'list']],
  ['reads', ['proc', 'list']],
  ['write', ['proc', 'flag']],
  ['network', ['proc', 'flag']],
  ['unsandboxed', ['proc', 'flag']],
  ['origins', ['secret', 'list']],
  ['programs', ['secret', 'list']],
  ['max-output-tokens', ['model', 'number']],
  ['types', ['memory', 'list']],
  ['depth', ['spawn', 'number']],
  ['width', ['spawn', 'number']],
])

/** The names of the options that belong to some kind. */
export const RESOURCE_OPTIONS: readonly string[] = [...OPTIONS.keys()]

/**
 * Takes one of these options over.
 *
 * @param value - what stands behind its `=`; `undefined` where it has none
 * @returns why it cannot be
 */
export function readParticular(
  particulars: Particulars,
  name: string,
  value: string | undefined,
): string | undefined {
  const [, shape] = OPTIONS.get(name) ?? []
  if (shape === 'flag') {
    if (value !== undefined) return `${name} is said without a value`
    particulars.set(name, true)
    return undefined
  }
  if (value === undefined || value === '') return `${name} needs a value: ${name}=…`
  if (shape === 'number') {
    if (!/^[1-9]\d{0,14}$/.test(value)) return `${name} is a number from 1, not "${value}"`
    particulars.set(name, Number(value))
  } else if (shape === 'list') {
    const entries = value.split(',')
    if (entries.includes('')) return `${name} names nothing between two commas`
    particulars.set(name, entries)
  } else {
    particulars.set(name, value)
  }
  return undefined
}

type Read = (target: string, setting: ResourceSetting) => Resource | string

const KINDS: ReadonlyMap<string, readonly [read: Read, kind: ResourceKind | null]> = new Map<
  string,
  readonly [Read, ResourceKind | null]
>([
  ['fs', [files, fsKind]],
  ['tool', [tools, toolKind]],
  // Held against its kind where it is read.
  ['net', [network, null]],
  ['proc', [procResource, procKind]],
  ['secret', [secrets, secretKind]],
  ['model', [models, modelKind]],
  ['memory', [memory, memoryKind]],
  ['spawn', [children, spawnKind]],
])

/** The resource, or why it is none. */
export function resourceOf(text: string, setting: ResourceSetting): Resource | string {
  const colon = text.indexOf(':')
  const isNamed = colon > 0 && KINDS.has(text.slice(0, colon))
  const name = isNamed ? text.slice(0, colon) : 'fs'
  const [read, kind] = KINDS.get(name) ?? [files, fsKind]
  for (const option of setting.particulars.keys()) {
    const [owner] = OPTIONS.get(option) ?? []
    if (owner !== name) return `${option} is for ${owner}:…, and this is about ${name}`
  }
  const resource = read(isNamed ? text.slice(colon + 1) : text, setting)
  if (typeof resource === 'string') return resource
  return kind?.checkResource(resource) ?? resource
}

/** Those of the options that were given, under the names that the resource has for them. */
function given(
  particulars: Particulars,
  names: Readonly<Record<string, string>>,
): Readonly<Record<string, string | number | true | readonly string[]>> {
  const entries = Object.entries(names).flatMap(([option, member]) => {
    const value = particulars.get(option)
    return value === undefined ? [] : [[member, value] as const]
  })
  return Object.fromEntries(entries)
}

function files(path: string, { particulars, probe }: ResourceSetting): Resource | string {
  if (path === '') return 'it names no folder'
  const within = particulars.get('within') as readonly string[] | undefined
  const found = probe(path)
  if ('fault' in found) return found.fault
  if (found.file === undefined) {
    return { kind: 'fs', root: found.root, ...(within === undefined ? {} : { within }) }
  }
  if (within !== undefined) return 'within is for folders, and this is a file'
  return { kind: 'fs', root: found.root, within: [found.file] }
}

function tools(text: string): Resource | string {
  const [name = '', ...more] = text.split(',')
  if (name === '' || more.includes('')) return 'the name of a tool is empty'
  return more.length === 0 ? { kind: 'tool', name } : { kind: 'tool', names: [name, ...more] }
}

function network(url: string, { actions, particulars }: ResourceSetting): Resource | string {
  const lists = given(particulars, { methods: 'methods', addresses: 'addresses' })
  return netResource(url, { actions, ...(lists as Readonly<Record<string, readonly string[]>>) })
}

/** Names, and those of which all below is meant; why they are none. */
function namesAndAll(text: string, what: string): readonly [string[], string[]] | string {
  const [names, all]: [string[], string[]] = [[], []]
  for (const entry of text.split(',')) {
    const isAll = entry.endsWith('/*')
    const name = isAll ? entry.slice(0, -2) : entry
    if (name === '') return `the name of a ${what} is empty`
    if (name.includes('*')) return `"*" stands at the end of a ${what}, behind a "/"`
    ;(isAll ? all : names).push(name)
  }
  return [names, all]
}

function some(member: string, entries: readonly string[]): Readonly<Record<string, string[]>> {
  return entries.length === 0 ? {} : { [member]: [...entries] }
}

function secrets(text: string, { particulars }: ResourceSetting): Resource | string {
  const found = namesAndAll(text, 'secret')
  if (typeof found === 'string') return found
  const [names, prefixes] = found
  const places = given(particulars, { origins: 'origins', programs: 'programs' })
  if (Object.keys(places).length === 0) {
    return 'a secret goes somewhere: say origins=https://api.example.com, or programs=/usr/bin/git'
  }
  return { kind: 'secret', ...some('names', names), ...some('prefixes', prefixes), ...places }
}

function models(text: string, { particulars }: ResourceSetting): Resource | string {
  const found = namesAndAll(text, 'model')
  if (typeof found === 'string') return found
  const [exact, providers] = found
  const bound = given(particulars, { 'max-output-tokens': 'maxOutputTokens' })
  return { kind: 'model', ...some('models', exact), ...some('providers', providers), ...bound }
}

function memory(text: string, { particulars }: ResourceSetting): Resource | string {
  const types = particulars.get('types') as readonly string[] | undefined
  if (types === undefined) return 'memory needs the types of its records: types=preference'
  if (text.includes('*')) return 'a space holds all below it, and has no "*"'
  return { kind: 'memory', spaces: text.split(','), types }
}

function children(text: string, { particulars }: ResourceSetting): Resource | string {
  const [names, programs]: [string[], { name: string; version: string }[]] = [[], []]
  for (const entry of text.split(',')) {
    // A name may begin with one: @team/count@1.0.0.
    const at = entry.lastIndexOf('@')
    if (at > 0) programs.push({ name: entry.slice(0, at), version: entry.slice(at + 1) })
    else names.push(entry)
  }
  if (text.includes('*')) return 'a program that may be started is named; there is no "*"'
  return {
    kind: 'spawn',
    ...(programs.length === 0 ? {} : { programs }),
    ...some('names', names),
    ...given(particulars, { depth: 'depthMax', width: 'widthMax' }),
  }
}
