/**
 * The resource kind `proc`: programs that are started below a root.
 *
 *     resource = { kind: "proc", programs, root, [env], [reads], [write], [network], [sandbox] }
 *     programs = [ { path, [args] }, … ]         ; args: see argument-rule.ts; left out: none
 *     env      = [ name, … ]                     ; names that may be set; left out: none
 *     reads    = [ path, … ]                     ; shown beside the root; left out: nothing more
 *     write    = true | false                    ; the root may be written; left out: false
 *     network  = true | false                    ; the machine's own network; left out: none at all
 *     sandbox  = "required" | "unsandboxed"      ; left out: required
 *     claim    = { program, args, env, cwd, write, network, sandbox }
 *
 * 1. What is left out is the narrowest there is. Rules are lexical, without patterns, and the same
 *    on every machine: nothing is looked up.
 * 2. A program is an absolute path, compared exactly. There is no search path and no shell: a call
 *    names an argument vector, which one entry of `programs` has to take whole.
 * 3. A program without a box can do all that the user can who runs it. So a grant and a claim that
 *    are `unsandboxed` say that they write and have the network: nothing would keep them from it.
 * 4. A claim's `cwd` is relative to the root, so all links of a chain have one root.
 *
 * The trap: granting a program and forgetting what it does with its arguments and environment.
 * `git` with any words, or `node` with `NODE_OPTIONS`, is every program there is.
 */
import type { JsonObject } from '@ice/primitives'
import {
  type ArgumentRule,
  argumentRuleFault,
  argumentsRefusal,
  ruleHolds,
  wordFault,
} from './argument-rule.ts'
import { relativePathFault, rootFault } from './fs.ts'
import { RESOURCE_ENTRIES_MAX, TOOL_NAME_CHARS_MAX } from './limits.ts'
import { hasOnly, isRecord, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { shown, shownList } from './text.ts'

/** A program, and what it may be told. */
export type ProcProgram = {
  /** An absolute path in normal form. */
  readonly path: string
  /** @defaultValue no arguments */
  readonly args?: ArgumentRule
}

/** The resource of a grant on programs. */
export type ProcResource = {
  readonly kind: 'proc'
  /** One of these has to take a call's program and arguments; a path may come several times. */
  readonly programs: readonly ProcProgram[]
  /** An absolute path in normal form: where programs are started, and what they see of files. */
  readonly root: string
  /** Names of the environment variables a call may set. @defaultValue none */
  readonly env?: readonly string[]
  /** Absolute paths that are shown read-only beside the root. @defaultValue none */
  readonly reads?: readonly string[]
  /** Whether a call may ask for a root that can be written. @defaultValue false */
  readonly write?: boolean
  /** Whether a call may ask for the network of the machine, all of it. @defaultValue false */
  readonly network?: boolean
  /** Whether a call may ask to do without the box. @defaultValue 'required' */
  readonly sandbox?: 'required' | 'unsandboxed'
}

const MEMBERS = ['kind', 'programs', 'root', 'env', 'reads', 'write', 'network', 'sandbox'] as const
const CLAIM = ['program', 'args', 'env', 'cwd', 'write', 'network', 'sandbox'] as const

/** What a grant says yes to, or not. */
const SWITCHES = ['write', 'network'] as const

type EntryFault = (entry: unknown) => string | undefined

function listFault(name: string, list: unknown, entryFault: EntryFault): string | undefined {
  if (!Array.isArray(list)) return `"${name}" is a list`
  if (list.length > RESOURCE_ENTRIES_MAX) {
    return `"${name}" has more than ${RESOURCE_ENTRIES_MAX} entries`
  }
  for (const entry of list) {
    const fault = entryFault(entry)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** An absolute path of a machine that has programs in boxes: without a drive, and not the top. */
function placeFault(path: unknown): string | undefined {
  const fault = rootFault(path)
  if (fault !== undefined) return fault
  const text = path as string
  if (text.charCodeAt(0) !== 47) return `the path ${shown(text)} begins with a drive, not with "/"`
  return text === '/' ? '"/" holds everything; name what is meant' : undefined
}

const programFault: EntryFault = (program) => {
  if (!isRecord(program) || !hasOnly(program, ['path', 'args']))
    return 'a program is { path, args }'
  const fault = placeFault(own(program, 'path'))
  if (fault !== undefined) return fault
  return Object.hasOwn(program, 'args') ? argumentRuleFault(own(program, 'args')) : undefined
}

function isNameCharacter(code: number, isFirst: boolean): boolean {
  if (code === 95 || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)) return true
  return !isFirst && code >= 48 && code <= 57
}

const nameFault: EntryFault = (name) => {
  const isName =
    typeof name === 'string' &&
    name.length > 0 &&
    name.length <= TOOL_NAME_CHARS_MAX &&
    [...name].every((character, at) => isNameCharacter(character.charCodeAt(0), at === 0))
  if (isName) return undefined
  return `${shown(name)} is no name of a variable: letters, digits and "_", no digit first`
}

function switchFault(object: object, name: string): string | undefined {
  if (!Object.hasOwn(object, name) || typeof own(object, name) === 'boolean') return undefined
  return `"${name}" is true or false`
}

function isSandbox(value: unknown): boolean {
  return value === 'required' || value === 'unsandboxed'
}

function isUnsandboxed(object: object): boolean {
  return own(object, 'sandbox') === 'unsandboxed'
}

/** What an unsandboxed grant or claim leaves unsaid. */
function candourFault(object: object): string | undefined {
  if (!isUnsandboxed(object)) return undefined
  const silent = SWITCHES.filter((name) => own(object, name) !== true)
  if (silent.length === 0) return undefined
  return `without a box a program writes and has the network; say "${silent[0]}": true`
}

function listOf<T>(resource: Resource, name: string): readonly T[] {
  return (own(resource, name) as readonly T[] | undefined) ?? []
}

/** A claim that was checked. */
interface Claim {
  readonly program: string
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly write: boolean
  readonly network: boolean
  readonly sandbox: string
}

function claimFault(claim: JsonObject): string | undefined {
  const isWhole = CLAIM.every((name) => Object.hasOwn(claim, name)) && hasOnly(claim, CLAIM)
  if (!isWhole) return `a claim on "proc" is { ${CLAIM.join(', ')} }`
  if (!isSandbox(own(claim, 'sandbox'))) return '"sandbox" is "required" or "unsandboxed"'
  return (
    placeFault(own(claim, 'program')) ??
    listFault('args', own(claim, 'args'), wordFault) ??
    listFault('env', own(claim, 'env'), nameFault) ??
    relativePathFault(own(claim, 'cwd')) ??
    switchFault(claim, 'write') ??
    switchFault(claim, 'network') ??
    candourFault(claim)
  )
}

function programRefusal(resource: Resource, { program, args }: Claim): string | undefined {
  const programs = listOf<ProcProgram>(resource, 'programs')
  const entries = programs.filter(({ path }) => path === program)
  if (entries.length === 0) {
    return `the program ${shown(program)} is none of ${shownList(programs.map(({ path }) => path))}`
  }
  let first: string | undefined
  for (const entry of entries) {
    const why = argumentsRefusal(own(entry, 'args') as ArgumentRule | undefined, args)
    if (why === undefined) return undefined
    first ??= why
  }
  const more = entries.length > 1 ? `; none of its ${entries.length} entries takes them` : ''
  return `the program ${shown(program)} is not given these arguments: ${first}${more}`
}

function refusal(resource: Resource, claim: Claim): string | undefined {
  const refused = programRefusal(resource, claim)
  if (refused !== undefined) return refused
  const names = listOf<string>(resource, 'env')
  const foreign = claim.env.filter((name) => !names.includes(name))
  if (foreign.length > 0) {
    const held = names.length === 0 ? 'it holds none' : `it holds ${shownList(names)}`
    return `the variable ${shown(foreign[0])} may not be set: ${held}`
  }
  if (claim.write && own(resource, 'write') !== true) return 'its root is only read'
  if (claim.network && own(resource, 'network') !== true) return 'it gives no network'
  if (claim.sandbox === 'unsandboxed' && !isUnsandboxed(resource)) {
    return 'it gives no program without a box'
  }
  return undefined
}

/** What of a child's list its parent does not hold. */
function over(parent: Resource, child: Resource, name: string): readonly string[] {
  const held = listOf<string>(parent, name)
  return listOf<string>(child, name).filter((entry) => !held.includes(entry))
}

/** Programs of a child that no one entry of its parent holds whole. */
function programsOver(parent: Resource, child: Resource): readonly string[] {
  const rule = (program: ProcProgram): ArgumentRule | undefined =>
    own(program, 'args') as ArgumentRule | undefined
  const held = listOf<ProcProgram>(parent, 'programs')
  const isHeld = (asked: ProcProgram): boolean =>
    held.some((entry) => entry.path === asked.path && ruleHolds(rule(entry), rule(asked)))
  return listOf<ProcProgram>(child, 'programs')
    .filter((asked) => !isHeld(asked))
    .map(({ path }) => path)
}

/** The kind `proc`; state-less and frozen. */
export const procKind: ResourceKind = Object.freeze({
  kind: 'proc',

  checkResource(resource: Resource): string | undefined {
    if (!hasOnly(resource, MEMBERS)) {
      return `a "proc" resource has the members ${MEMBERS.join(', ')}`
    }
    const programs = own(resource, 'programs')
    if (Array.isArray(programs) && programs.length === 0) return '"programs" is not empty'
    const has = (name: string): boolean => Object.hasOwn(resource, name)
    if (has('sandbox') && !isSandbox(own(resource, 'sandbox'))) {
      return '"sandbox" is "required" or "unsandboxed"'
    }
    return (
      listFault('programs', programs, programFault) ??
      placeFault(own(resource, 'root')) ??
      (has('env') ? listFault('env', own(resource, 'env'), nameFault) : undefined) ??
      (has('reads') ? listFault('reads', own(resource, 'reads'), placeFault) : undefined) ??
      switchFault(resource, 'write') ??
      switchFault(resource, 'network') ??
      candourFault(resource)
    )
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    return claimFault(claim) ?? refusal(resource, claim as unknown as Claim)
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    const [parentRoot, childRoot] = [own(parent, 'root'), own(child, 'root')]
    if (parentRoot !== childRoot) return `the root is ${shown(parentRoot)}, not ${shown(childRoot)}`
    const programs = programsOver(parent, child)
    if (programs.length > 0) {
      const what = `the programs ${shownList(programs)}, with their arguments,`
      return `${what} are more than the grant above holds`
    }
    for (const name of ['env', 'reads']) {
      const beyond = over(parent, child, name)
      if (beyond.length > 0) {
        return `the ${name} ${shownList(beyond)} are more than the grant above holds`
      }
    }
    const asked = SWITCHES.find((name) => own(child, name) === true && own(parent, name) !== true)
    if (asked !== undefined) return `the grant above does not give "${asked}"`
    if (isUnsandboxed(child) && !isUnsandboxed(parent)) {
      return 'the grant above gives no program without a box'
    }
    return undefined
  },
})
