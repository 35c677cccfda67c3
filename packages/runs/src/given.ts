/** The arguments of a call as its handler is to have them. */

import type { BlobStore } from '@ice/events/ports'
import type { JsonObject } from '@ice/primitives'
import { filled } from './contents.ts'
import type { Call } from './effects.ts'
import { RunsError } from './errors.ts'
import type { RunLabels } from './labels.ts'
import { type Bound, strayReference } from './references.ts'

/** Where the contents of references come from. */
export interface Sources {
  readonly labels: RunLabels
  readonly blobs: BlobStore
}

/** Arguments with contents in the places of references, or why there are none. */
export async function givenArguments(
  { value, references, stray }: Bound,
  sources: Sources,
): Promise<Pick<Call, 'given' | 'unfilled'>> {
  if (stray !== null) return { given: {}, unfilled: strayReference(stray) }
  try {
    const given = await filled(value as JsonObject, references, sources)
    return { given, unfilled: null }
  } catch (error) {
    if (error instanceof RunsError) return { given: {}, unfilled: error }
    throw error
  }
}
