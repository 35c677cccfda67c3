/**
 * A stranger's project: an empty folder with npm, where one package is installed and nothing else
 * is named, its README's example is run, and its declarations are compiled.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { projectRoot } from '../lib/house.ts'
import { runTool, type ToolResult } from '../lib/tools.ts'
import type { Packed } from './pack.ts'

/** An example as the README has it: a program, or, for a command, lines of a shell. */
export interface ReadmeExample {
  readonly language: 'ts' | 'sh'
  readonly text: string
}

/** The first `ts` or `sh` block under "## Example"; undefined where there is none. */
export const readmeExample = (readme: string): ReadmeExample | undefined => {
  const section = /^## Example[^\n]*\n([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(readme)?.[1] ?? ''
  const block = /^```(ts|sh)\n([\s\S]*?)^```/m.exec(section)
  if (block === null) return undefined
  return { language: block[1] === 'ts' ? 'ts' : 'sh', text: block[2] ?? '' }
}

/**
 * As strict as a reader may be: the declarations of what was installed are checked too.
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
  /** Compiles every entry against the declarations, with no other types at hand than these. */
  compileEntries(types: readonly string[]): Promise<ToolResult>
  /** Compiles the example that was run, with the types of Node. */
  compileExample(): Promise<ToolResult>
}

/** Makes the empty project. */
export const strangersProject = (folder: string, packed: Packed): Consumer => {
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  const compile = (file: string, types: readonly string[]): Promise<ToolResult> => {
    const options = {
      ...compilerOptions,
      types,
      typeRoots: [join(projectRoot, 'node_modules/@types')],
    }
    write('tsconfig.json', JSON.stringify({ compilerOptions: options, files: [file] }))
    return runTool({ command: 'tsc', args: ['-p', '.'], cwd: folder, output: 'keep' })
  }
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
      const readme = join(folder, 'node_modules', packed.name, 'README.md')
      if (!existsSync(readme)) return { status: 1, output: 'no README.md was packed\n' }
      const example = readmeExample(readFileSync(readme, 'utf8'))
      if (example === undefined) return { status: 1, output: 'no example under "## Example"\n' }
      const { language, text } = example
      write(`example.${language}`, text)
      const bin = `${join(folder, 'node_modules/.bin')}${delimiter}${process.env['PATH'] ?? ''}`
      return await runTool({
        command: language === 'ts' ? process.execPath : 'sh',
        args: language === 'ts' ? ['example.ts'] : ['-eu', 'example.sh'],
        cwd: folder,
        env: { PATH: bin },
        output: 'keep',
      })
    },
    compileEntries(types) {
      write('entries.ts', everyEntry(packed))
      return compile('entries.ts', types)
    },
    compileExample: async () =>
      existsSync(join(folder, 'example.ts'))
        ? await compile('example.ts', ['node'])
        : { status: existsSync(join(folder, 'example.sh')) ? 0 : 1, output: '' },
  }
}
