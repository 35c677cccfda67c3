/**
 * Runs tests against sources with mutants, on request of the process that forked it.
 *
 *     ->  { file: path of tests }         <-  { file, ok, ms }
 *
 * Which mutant is on stands in a file (see `setup.ts`). The server that reads and transforms
 * sources lives as long as this process, so a run costs what its tests cost.
 */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'
import { projectRoot } from '../lib/house.ts'
import { instrument } from './edits.ts'

const sources = JSON.parse(String(process.env['ICE_MUTANTS_SOURCES'])) as readonly string[]
const tests = String(process.env['ICE_MUTANTS_TESTS'])

const texts = new Map<string, string>()
let nextId = 1
for (const source of sources) {
  const path = join(projectRoot, source)
  const { text, mutants } = instrument(source, readFileSync(path, 'utf8'), nextId)
  texts.set(path, text)
  nextId += mutants.length
}

const vitest = await createVitest(
  'test',
  {
    root: projectRoot,
    config: false,
    watch: false,
    include: [tests],
    setupFiles: [fileURLToPath(new URL('./setup.ts', import.meta.url))],
    reporters: [{}],
    pool: 'threads',
    maxWorkers: 1,
    bail: 1,
    testTimeout: 150_000,
  },
  {
    resolve: {
      alias: [{ find: /^@ice\/tooling\/(.*)$/, replacement: `${projectRoot}/tooling/src/$1.ts` }],
    },
    plugins: [
      {
        name: 'mutants',
        enforce: 'pre',
        transform: (_code: string, id: string) => {
          const text = texts.get(id.split('?')[0] ?? id)
          return text === undefined ? null : { code: text, map: null }
        },
      },
    ],
  },
)
const specifications = await vitest.globTestSpecifications()

process.on('message', async ({ file }: { readonly file: string }) => {
  const began = performance.now()
  const chosen = specifications.filter(({ moduleId }) => relative(projectRoot, moduleId) === file)
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(chosen)
  const hasPassed = testModules.length > 0 && testModules.every((each) => each.ok())
  const ok = hasPassed && unhandledErrors.length === 0
  process.send?.({ file, ok, ms: performance.now() - began })
})
process.on('disconnect', () => process.exit(0))
const files = specifications.map(({ moduleId }) => relative(projectRoot, moduleId))
process.send?.({ files })
