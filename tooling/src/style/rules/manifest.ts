/** What a `package.json` says, so that the package can be published and installed alone. */
import type { Manifest } from '../../lib/house.ts'
import type { House, Room } from '../house.ts'
import type { Rule } from '../rule.ts'

/** Node from 22.12 on loads ESM by `require`, and is what every library here supports. */
const NODE = '>=22.12'

const checkFields = ({ short, layer, manifest }: Room): readonly string[] => {
  const wanted: readonly (readonly [boolean, string])[] = [
    [manifest.name === `@ice/${short}` || layer === 'apps', `"name" is not "@ice/${short}"`],
    [manifest.type === 'module', '"type" is not "module"'],
    [manifest.license === 'MIT', '"license" is not "MIT"'],
    [manifest.description !== undefined, 'has no "description"'],
    [manifest.sideEffects === false || layer === 'apps', '"sideEffects" is not false'],
    [manifest.engines?.['node'] === NODE, `"engines.node" is not "${NODE}"`],
    [manifest.files?.includes('dist') === true, '"files" does not name "dist"'],
    [manifest.files?.includes('!**/*.tsbuildinfo') === true, '"files" lets *.tsbuildinfo in'],
  ]
  return wanted.flatMap(([holds, message]) => (holds ? [] : [message]))
}

const checkExports = (house: House, { folder, manifest }: Room): readonly string[] =>
  Object.entries(manifest.exports ?? {}).flatMap(([entry, target]) => {
    if (typeof target === 'string') return []
    const first = Object.keys(target)[0]
    const built = target['default'] ?? ''
    const source = built.replace('./dist/', `${folder}/src/`).replace(/\.js$/, '.ts')
    return [
      ...(first === 'types' ? [] : [`exports["${entry}"] does not begin with "types"`]),
      ...(house.has(source)
        ? []
        : [`exports["${entry}"] is made from ${source}, which is missing`]),
    ]
  })

/** A version that is not exact, of a dependency that is not ours. */
const looseVersions = (manifest: Manifest): readonly string[] =>
  Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter(([, version]) => !/^(\d+\.\d+\.\d+|workspace:\*|catalog:)$/.test(version))
    .map(([name, version]) => `${name} is "${version}": pin it, or write "catalog:"`)

/** Private packages are not published, so nothing is asked of them. */
export const manifest: Rule = {
  id: 'manifest',
  reason: 'A package is judged by its manifest before a line of it is read.',
  check: (house) =>
    house.rooms
      .filter((room) => room.manifest.private !== true)
      .flatMap((room) =>
        [...checkFields(room), ...checkExports(house, room), ...looseVersions(room.manifest)].map(
          (message) => ({ path: `${room.folder}/package.json`, line: 1, message }),
        ),
      ),
}
