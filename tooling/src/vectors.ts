/**
 * External test data: where it lies, and tests that need it.
 *
 * The data is not part of this project. Where it is missing, a test that needs it is reported as
 * skipped, by a name that says which folder would be needed; it never counts as passed.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { it } from 'vitest'
import { projectRoot } from './lib/house.ts'

/** The folder of all vectors: `ICE_VECTORS`, or beside the project. */
const vectorsRoot = (): string =>
  resolve(projectRoot, process.env['ICE_VECTORS'] ?? '../shared/vectors')

/** The folder of one set of vectors, or undefined where it is missing. */
export const vectors = (name: string): string | undefined => {
  const folder = join(vectorsRoot(), name)
  return existsSync(folder) ? folder : undefined
}

/** A test that is handed the folder of a set of vectors; skipped by name where it is missing. */
export const vectorTest = (
  name: string,
  title: string,
  run: (folder: string) => void | Promise<void>,
): void => {
  const folder = vectors(name)
  const isMissing = folder === undefined
  it.skipIf(isMissing)(isMissing ? `${title} (needs vectors/${name})` : title, () =>
    run(folder ?? ''),
  )
}
