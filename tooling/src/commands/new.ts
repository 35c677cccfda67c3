/**
 * `npm run new -- <package> [--layer L1]`: makes a package that builds, is tested and holds to
 * every rule, and enters it in the lockfile.
 */
import { parseArgs } from 'node:util'
import { projectRoot } from '../lib/house.ts'
import { runTool } from '../lib/tools.ts'
import { type ScaffoldRequest, scaffold } from '../scaffold/scaffold.ts'

const usage = 'usage: npm run new -- <package> [--layer L0|L1|L2|L3|L4]\n'

const readRequest = (): ScaffoldRequest | undefined => {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { layer: { type: 'string' } },
    })
    const [short, ...rest] = positionals
    return short === undefined || rest.length > 0 ? undefined : { short, layer: values.layer }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return undefined
  }
}

const make = async (request: ScaffoldRequest): Promise<number> => {
  const result = scaffold(projectRoot, request)
  if ('refused' in result) {
    process.stderr.write(`${result.refused}\n`)
    return 2
  }
  for (const path of result.written) process.stdout.write(`${path}\n`)
  const format = ['check', '--write', `packages/${request.short}`, 'tooling/layers.json']
  await runTool({ command: 'biome', args: format, output: 'keep' })
  const installed = await runTool({
    command: 'pnpm',
    args: ['install', '--no-frozen-lockfile'],
    output: 'keep',
  })
  if (installed.status !== 0) process.stderr.write(`${installed.output}The install failed.\n`)
  return installed.status
}

const request = readRequest()
if (request === undefined) {
  process.stderr.write(usage)
  process.exitCode = 2
} else {
  process.exitCode = await make(request)
}
