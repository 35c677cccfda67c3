/**
 * The sources of a new package: a register of names, small and complete, so that every file with a
 * fixed meaning is there and holds to the rules. It is to be replaced, not built upon.
 */
import type { Names } from './names.ts'

/** `src/ports.ts` */
export const portsText = ({ pascal }: Names): string => `/**
 * The ports of this package: types only, no runtime code.
 */

/** A register of names: what was added is there, and nothing else. */
export interface ${pascal}Register {
  /**
   * Adds a name; one that is there already stays there once.
   *
   * @throws {NameLimitError} when the name is empty or longer than \`NAME_BYTES_MAX\`
   */
  add(name: string): void
  /** Whether a name was added. */
  has(name: string): boolean
}
`

/** `src/errors.ts` */
export const errorsText = ({ upper }: Names): string => `/**
 * The codes of this package. A code changes only at a major version, a message at any time: test
 * with \`hasCode(error, code)\`.
 */
import { IceError } from '@ice/primitives'

/** \`ICE_${upper}_NAME_LIMIT\`: a name that is empty, or longer than the limit. */
export class NameLimitError extends IceError {
  declare readonly code: 'ICE_${upper}_NAME_LIMIT'

  /** \`bytes\` is how long the name was, \`max\` how long it may be. */
  constructor(init: { readonly bytes: number; readonly max: number }) {
    super({
      code: 'ICE_${upper}_NAME_LIMIT',
      message: \`a name of \${init.bytes} bytes, of 1 to \${init.max}\`,
      data: { bytes: init.bytes, max: init.max },
    })
  }
}
`

/** `src/limits.ts` */
export const limitsText =
  (): string => `/** Every bound of this package, with its unit and its reason. */

/** Bytes of UTF-8 in a name: it fits on a line of a listing. */
export const NAME_BYTES_MAX: number = 64
`

/** `src/memory.ts` */
export const memoryText = ({
  pascal,
  camel,
}: Names): string => `/** The reference register: a set in memory, which ends with the process. */
import { NameLimitError } from './errors.ts'
import { NAME_BYTES_MAX } from './limits.ts'
import type { ${pascal}Register } from './ports.ts'

/** An empty register. */
export const ${camel}InMemory = (): ${pascal}Register => {
  const names = new Set<string>()
  return {
    add(name) {
      const bytes = new TextEncoder().encode(name).length
      if (bytes === 0 || bytes > NAME_BYTES_MAX) {
        throw new NameLimitError({ bytes, max: NAME_BYTES_MAX })
      }
      names.add(name)
    },
    has: (name) => names.has(name),
  }
}
`

/** `src/index.ts` */
export const indexText = ({
  pascal,
  camel,
}: Names): string => `export { NameLimitError } from './errors.ts'
export { NAME_BYTES_MAX } from './limits.ts'
export { ${camel}InMemory } from './memory.ts'
export type { ${pascal}Register } from './ports.ts'
`

/** `test/memory.test.ts` */
export const testText = ({
  camel,
  upper,
  requirement,
}: Names): string => `import { hasCode } from '@ice/primitives'
import { describe, expect, it } from 'vitest'
import { NAME_BYTES_MAX } from '../src/limits.ts'
import { ${camel}InMemory } from '../src/memory.ts'

/** Verifies: ${requirement}-R01, ${requirement}-R02 */
describe('a register in memory', () => {
  it('has what was added and nothing else', () => {
    const register = ${camel}InMemory()
    register.add('alice')
    expect([register.has('alice'), register.has('bob')]).toEqual([true, false])
  })

  it.each(['', 'x'.repeat(NAME_BYTES_MAX + 1)])('refuses a name out of bounds', (name) => {
    const register = ${camel}InMemory()
    try {
      register.add(name)
      expect.unreachable()
    } catch (error) {
      expect(hasCode(error, 'ICE_${upper}_NAME_LIMIT')).toBe(true)
    }
    expect(register.has(name)).toBe(false)
  })
})
`

/** `examples/01_names.ts` */
export const exampleText = ({ short, camel }: Names): string => `/** Adds a name and asks for it. */
import { ${camel}InMemory } from '@ice/${short}'

const register = ${camel}InMemory()
register.add('alice')
console.log(register.has('alice')) // true
console.log(register.has('mallory')) // false
`
