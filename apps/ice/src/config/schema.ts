/**
 * `ice.config.json`: what is the same for every command in a folder.
 *
 * Strict on purpose: a key that is not known is refused, because a misspelt `approval` would be a
 * grant without one.
 */
import { z } from 'zod'

const actions = z.array(z.string().min(1).max(128)).min(1).max(64)

const caveat = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('count'), max: z.int().min(1) }),
  z.strictObject({ kind: z.literal('approval') }),
  z.strictObject({ kind: z.literal('approval-for'), actions }),
])

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

const schema = z.strictObject({
  $schema: z.string().optional(),
  store: z.string().min(1).optional(),
  programs: z.record(z.string().min(1).max(512), program).optional(),
  grants: grants.optional(),
})

/** What the file says. */
export interface ConfigFile {
  /** Path of the log. */
  readonly store?: string | undefined
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
  readonly caveats?: readonly Readonly<Record<string, unknown>>[] | undefined
  /** `10m`, or an ISO 8601 time. */
  readonly expires?: string | undefined
  readonly delegable?: number | undefined
}

/** Checks what was read. @throws a zod error, whose `issues` name every place that is wrong */
export function checkConfig(value: unknown): ConfigFile {
  return schema.parse(value)
}
