/** A small taxonomy for tests: one type of each kind of origin, and one that is upcast. */

import { z } from 'zod'
import { defineEventType } from '../event-type.ts'
import { composeTaxonomy, type Taxonomy } from '../taxonomy.ts'

/** A number was noted. The runtime's. */
export const NumberNoted = defineEventType({
  type: 'NumberNoted',
  category: 'domain',
  description: 'A number was noted.',
  payload: z.strictObject({ n: z.int(), note: z.string().optional() }),
})

/** A number was proposed. An agent's. */
export const NumberProposed = defineEventType({
  type: 'NumberProposed',
  category: 'cognitive',
  description: 'An agent proposed a number.',
  payload: z.strictObject({ n: z.int() }),
})

/** A person was greeted. Version 1 knew a name, version 2 its parts, version 3 a language too. */
export const PersonGreeted = defineEventType({
  type: 'PersonGreeted',
  category: 'domain',
  description: 'A person was greeted.',
  schema: 3,
  payload: z.strictObject({ first: z.string(), last: z.string(), language: z.string() }),
  upcasts: {
    1: (data) => {
      const [first = '', ...rest] = (data as { readonly name: string }).name.split(' ')
      return { first, last: rest.join(' ') }
    },
    2: (data) => ({
      ...(data as { readonly first: string; readonly last: string }),
      language: 'en',
    }),
  },
})

/** Composes the test types. */
export function testTaxonomy(): Taxonomy {
  return composeTaxonomy([NumberNoted, NumberProposed, PersonGreeted])
}
