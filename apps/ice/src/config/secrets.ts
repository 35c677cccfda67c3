/**
 * The store of secrets that the configuration names.
 *
 *     "secrets": { "environment": { "github/token": "GITHUB_TOKEN" } }
 *     "secrets": { "file": "./secrets.json" }      ; mode 0600, an object of texts
 *
 * The configuration holds names and never values: it is a file that is copied and committed.
 */

import type { SecretStore } from '@ice/effects'

/** Where secrets come from; paths are absolute. */
export type SecretsChoice =
  /** The variable of each secret, by the secret's name. */
  { readonly environment: Readonly<Record<string, string>> } | { readonly file: string }

/** Makes the store. Nothing is read yet. */
export async function openSecrets(choice: SecretsChoice): Promise<SecretStore> {
  const { environmentSecrets, fileSecrets } = await import('@ice/effects')
  return 'file' in choice
    ? fileSecrets(choice.file)
    : environmentSecrets({ environment: process.env, variables: choice.environment })
}
