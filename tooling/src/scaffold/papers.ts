/** What a new package has beside its sources: manifest, README, requirements. */
import type { Names } from './names.ts'

/** Both halves of an entry of an exports map, types first. */
const entry = (name: string): object => ({
  types: `./dist/${name}.d.ts`,
  default: `./dist/${name}.js`,
})

/** `package.json` */
export const manifestText = ({ short }: Names): string => {
  const manifest = {
    name: `@ice/${short}`,
    version: '0.1.0',
    description: 'A register of names, to be replaced by what this package is for.',
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=22.12' },
    files: ['dist', 'src', 'README.md', 'CHANGELOG.md', '!**/*.tsbuildinfo'],
    exports: {
      '.': entry('index'),
      './ports': entry('ports'),
      './errors': entry('errors'),
      './package.json': './package.json',
    },
    dependencies: { '@ice/primitives': 'workspace:*' },
    publishConfig: { access: 'public' },
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/** `tsconfig.json`; its references are derived. */
export const tsconfigText = (): string =>
  `${JSON.stringify({ extends: '../../tooling/tsconfig/library.json' }, null, 2)}\n`

/** A part of the README that is written from source. */
const generated = (part: string): string => `<!-- generated:${part} -->\n<!-- /generated -->`

/** `README.md`, with its generated parts still empty. */
export const readmeText = ({ short, requirement }: Names): string => `# @ice/${short}

A register of names, to be replaced by one sentence that says what this package is.

It is not a database: a sentence or two say what the package is often taken for, and is not.

## Example

${generated('example')}

## Guarantees

Said in full in [the requirements](../../docs/requirements/${short}.md).

- What was added is there, and nothing else (${requirement}-R01).
- A name out of bounds is refused with a code, and not kept (${requirement}-R02).

## Not guaranteed

- That anything outlives the process.

## Ports

${generated('ports')}

## Errors

Codes change only at a major version; messages may change at any time.

${generated('errors')}

## Limits

${generated('limits')}

## Write your own

Implement the port, and run the tests of the reference against it.
`

/** `docs/requirements/<name>.md` */
export const requirementsText = ({
  short,
  requirement,
}: Names): string => `# Requirements of @ice/${short}

Ids are never given twice; one that no longer holds is marked as retired.

| id | what must hold |
|---|---|
| ${requirement}-R01 | A register has exactly the names that were added. |
| ${requirement}-R02 | A name that is empty or too long is refused with a code, and not kept. |
`
