/**
 * `ice.config.json`: what is the same for every command in a folder.
 *
 * Strict on purpose: a key that is not known is refused, because a misspelt `approval` would be a
 * grant without one.
 */
import { z } from 'zod'

const actions = z.array(z.string().min(1).max(128)).min(1).max(64)

/** Held against the rules of its kind where the grant is made. */
const caveat = z.looseObject({ kind: z.string().min(1) })

const grant = z.strictObject({
  actions,
  resource: z.looseObject({ kind: z.string().min(1) }),
  caveats: z.array(caveat).max(32).optional(),
  expires: z.string().optional(),
  delegable: z.int().min(0).max(31).optional(),
})

const grants = z.record(z.string().min(1).max(512), grant)

const program = z.union([
  z.string().min(1),
  z.strictObject({
    file: z.string().min(1).optional(),
    grants: grants.optional(),
  }),
])

/** A variable of the environment, as POSIX names them. */
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/)

const secrets = z.union([
  z.strictObject({ environment: z.record(z.string().min(1).max(256), variable) }),
  z.strictObject({ file: z.string().min(1) }),
])

const schema = z.strictObject({
  $schema: z.string().optional(),
  store: z.string().min(1).optional(),
  secrets: secrets.optional(),
  programs: z.record(z.string().min(1).max(512), program).optional(),
  grants: grants.optional(),
})

/** What the file says. */
export interface ConfigFile {
  /** Path or address of the log. */
  readonly store?: string | undefined
  /** Where secrets come from: names and places, and no values. */
  readonly secrets?:
    | { readonly environment: Readonly<Record<string, string>> }
    | { readonly file: string }
    | undefined
  /** Programs by name: a file, or what is known of a built-in one. */
  readonly programs?: Readonly<Record<string, string | ConfigFileProgram>> | undefined
  /** For every program that is run from here. */
  readonly grants?: Readonly<Record<string, ConfigGrant>> | undefined
}

/** A program as the file has it. */
export interface ConfigFileProgram {
  /** Left out for a built-in program. */
  readonly file?: string | undefined
  /** For this program only. */
  readonly grants?: Readonly<Record<string, ConfigGrant>> | undefined
}

/** A grant as the file has it. */
export interface ConfigGrant {
  readonly actions: readonly string[]
  /** `{ "kind": "fs", "root": … , "within": […] }`, `{ "kind": "tool", "name": … }`, … */
  readonly resource: Readonly<Record<string, unknown>>
  /** All kinds of caveats: `{ "kind": "trusted", "paths": ["/url"] }`, … */
  readonly caveats?: readonly Readonly<Record<string, unknown>>[] | undefined
  /** `10m`, or an ISO 8601 time. */
  readonly expires?: string | undefined
  readonly delegable?: number | undefined
}

/** Checks what was read. @throws a zod error, whose `issues` name every place that is wrong */
export function checkConfig(value: unknown): ConfigFile {
  return schema.parse(value)
}
