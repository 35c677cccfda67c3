/**
 * Where secrets come from: names that are known, and a value for one name at a time.
 *
 * A store lists names and never values. Every value of a store is looked for in everything an
 * effect brings back, so the values of all its names are asked for when it is opened.
 */

import { Buffer } from 'node:buffer'
import { SECRET_CODES, SecretError } from './errors.ts'

/** Options of a question to a store. */
export interface SecretOptions {
  readonly signal?: AbortSignal
}

/** Holds secrets. Implementations outside: nothing here depends on which one it is. */
export interface SecretStore {
  /** The names it has, in segments (`github/token`): at most 256. */
  names(options?: SecretOptions): Promise<readonly string[]>
  /**
   * The value of a name as it is now; the caller does not change it.
   *
   * @throws `ICE_EFFECTS_SECRET_NOT_FOUND` — of every name it does not have, or has no value for
   */
  resolve(name: string, options?: SecretOptions): Promise<Uint8Array>
}

/** Says that a name has no value. */
export function secretNotFound(name: string): SecretError {
  const data = { name: name.slice(0, 256) }
  return new SecretError(SECRET_CODES.notFound, 'There is no secret of this name', data)
}

/** Secrets in memory: for tests, and for those who have them from elsewhere. Copied. */
export function memorySecrets(values: Readonly<Record<string, string | Uint8Array>>): SecretStore {
  const held = new Map(Object.entries(values).map(([name, value]) => [name, Buffer.from(value)]))
  return {
    names: async () => [...held.keys()],
    resolve: async (name) => {
      const value = held.get(name)
      if (value === undefined) throw secretNotFound(name)
      return value
    },
  }
}

/** Which variables of an environment are secrets. */
export interface EnvironmentSecrets {
  /** Usually `process.env`; read whenever a secret is asked for. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The variable that holds each secret, by the secret's name. No other is ever read. */
  readonly variables: Readonly<Record<string, string>>
}

/** Secrets out of variables of the environment that are listed one by one. */
export function environmentSecrets({ environment, variables }: EnvironmentSecrets): SecretStore {
  const listed = new Map(Object.entries(variables))
  return {
    names: async () => [...listed.keys()],
    resolve: async (name) => {
      const variable = listed.get(name)
      const isSet = variable !== undefined && Object.hasOwn(environment, variable)
      const value = isSet ? environment[variable] : undefined
      if (value === undefined || value === '') throw secretNotFound(name)
      return Buffer.from(value)
    },
  }
}
