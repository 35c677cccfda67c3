/** The events of the tests; without a test runner, so that child processes can use it. */
import { composeTaxonomy, defineEventType, type Taxonomy } from '@ice/events'
import { z } from 'zod'

const payload = z.strictObject({ text: z.string(), n: z.int() })

const NoteTaken = defineEventType({
  type: 'NoteTaken',
  category: 'domain',
  description: 'Something was noted.',
  payload,
})

const PictureKept = defineEventType({
  type: 'PictureKept',
  category: 'domain',
  description: 'A picture was kept as a blob.',
  payload: z.strictObject({
    picture: z.strictObject({ $blob: z.string(), size: z.int() }),
  }),
})

export const taxonomy: Taxonomy = composeTaxonomy([NoteTaken, PictureKept])
