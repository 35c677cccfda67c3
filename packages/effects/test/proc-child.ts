/**
 * A process that starts one program, for tests of what such a process inherits and leaves behind.
 *
 *     node proc-child.ts ROOT MODE SCRIPT
 */
import { processEffects } from '../src/index.ts'

const [root = '', mode = '', text = ''] = process.argv.slice(2)
const open = mode === 'boxed' ? { write: true } : { write: true, network: true, sandbox: mode }
const [run] = processEffects()
if (run === undefined) throw new TypeError('there is no proc.run')
const program = '/usr/bin/sh'
const args = run.arguments.parse({ program, args: ['-c', text], ...open })
const programs = [{ path: program, args: { words: ['-c', { text: 4_096 }] } }]
const call = {
  action: 'proc.run',
  arguments: args,
  attempt: 1,
  signal: new AbortController().signal,
  grant: { id: 'child', resources: [{ kind: 'proc', root, programs, ...open }] },
}
const { value } = await run.perform(call as unknown as Parameters<typeof run.perform>[0])
process.stdout.write(JSON.stringify(value))
