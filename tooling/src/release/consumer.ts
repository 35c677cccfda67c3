/**
 * A stranger's project: an empty folder with npm, where one package is installed and nothing else
 * is named, its README's example is run, and its declarations are compiled.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runTool, type ToolResult } from '../lib/tools.ts'
import type { Packed } from './pack.ts'

/** The first `ts` block under "## Example"; undefined where there is none. */
export const readmeExample = (readme: string): string | undefined => {
  const section = /^## Example[^\n]*\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(readme)?.[1] ?? ''
  return /^```ts\n([\s\S]*?)^```/m.exec(section)?.[1]
}

/**
 * As strict as a reader may be: declarations are checked too, and no types are there but those the
 * package brings.
 */
const compilerOptions = {
  module: 'nodenext',
  target: 'es2023',
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  noEmit: true,
  types: [],
}

/** A file that names every entry of a package. */
const everyEntry = ({ name, manifest }: Packed): string =>
  Object.keys(manifest.exports ?? {})
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry, at) => `export type * as e${at} from '${name}${entry.slice(1)}'\n`)
    .join('')

/** A stranger's project in `folder`, with steps to take in order. */
export interface Consumer {
  /** `npm install` of the one package, ours from `registry`. */
  install(registry: string): Promise<ToolResult>
  /** Runs the example of the README that was installed. */
  runExample(): Promise<ToolResult>
  /** Compiles every entry against the declarations. */
  compileEntries(): Promise<ToolResult>
}

/** Makes the empty project. */
export const strangersProject = (folder: string, packed: Packed): Consumer => {
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  mkdirSync(folder, { recursive: true })
  write('package.json', '{ "name": "stranger", "private": true, "type": "module" }\n')
  return {
    install(registry) {
      write('.npmrc', `@ice:registry=${registry}\naudit=false\nfund=false\n`)
      return runTool({
        command: 'npm',
        args: ['install', '--loglevel=error', packed.name],
        cwd: folder,
        output: 'keep',
      })
    },
    async runExample() {
      const readme = readFileSync(join(folder, 'node_modules', packed.name, 'README.md'), 'utf8')
      const example = readmeExample(readme)
      if (example === undefined) return { status: 1, output: 'no ts block under "## Example"\n' }
      write('example.ts', example)
      return await runTool({
        command: process.execPath,
        args: ['example.ts'],
        cwd: folder,
        output: 'keep',
      })
    },
    compileEntries() {
      write('entries.ts', everyEntry(packed))
      write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['entries.ts'] }))
      return runTool({ command: 'tsc', args: ['-p', '.'], cwd: folder, output: 'keep' })
    },
  }
}
