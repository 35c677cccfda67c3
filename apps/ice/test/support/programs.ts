/** Programs as users write them, as text: they stand in folders without any packages. */

const IMPORTS = `import { defineProgram } from '@ice/runs'
import { fs } from '@ice/effects'
import { z } from 'zod'
`

/** Reads one file, and tries another one outside. */
export const TALLY: string = `${IMPORTS}
interface Counted { readonly characters: number; readonly outside: string }
export default defineProgram({
  name: 'tally',
  version: '1.0.0',
  input: z.strictObject({ path: z.string().default('a.txt') }),
  output: z.strictObject({ characters: z.number(), outside: z.string() }),
  needs: ['source'],
  async run(context, { path }): Promise<Counted> {
    await context.propose('plan', { agent: 'rules', content: { path }, reason: 'it was asked for' })
    console.log('said on the console')
    const text: string = await context.effect('read', fs.read('source', { path }))
    const outside = await context.attempt('outside', fs.read('source', { path: 'b/../../x' }))
    return { characters: text.length, outside: outside.kind }
  },
})
`

/** Puts questions to a person. Its input says how many. */
export const ASK: string = `${IMPORTS}
export const ask = defineProgram({
  name: 'ask',
  version: '1.0.0',
  input: z.object({ questions: z.number().default(1), prompt: z.string().default('Go on?') }),
  output: z.array(z.object({ approved: z.boolean(), by: z.string().nullable() }).loose()),
  async run(context, { questions, prompt }) {
    const ids = Array.from({ length: questions }, (_, at) => 'ask-' + (at + 1))
    return await Promise.all(ids.map((id) => context.approval(id, { prompt })))
  },
})
`

/** Replaces a file, for which a grant may ask a person. */
export const REPLACE: string = `${IMPORTS}
export default defineProgram({
  name: 'replace',
  version: '1.0.0',
  input: z.object({ content: z.string().default('new') }),
  output: z.object({ kind: z.string() }).loose(),
  async run(context, { content }) {
    return await context.attempt('put', fs.replace('out', { path: 'out.txt', content }))
  },
})
`

/** Many reads of one file, each a step of its own; waits a little in between, as effects do. */
export const SLOW: string = `${IMPORTS}
const pause = {
  action: 'test.pause',
  fate: 'observe',
  outcome: 'EffectSucceeded',
  arguments: z.object({ ms: z.number() }),
  resource: () => ({ name: 'pause' }),
  perform: ({ arguments: { ms }, signal }) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve({ value: ms, observed: {} }), ms)
      signal.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason) })
    }),
}
export const effects = [pause]
export default defineProgram({
  name: 'slow',
  version: '1.0.0',
  input: z.object({ steps: z.number(), ms: z.number() }),
  output: z.object({ denied: z.number(), done: z.number() }),
  async run(context, { steps, ms }) {
    let [done, denied] = [0, 0]
    for (let at = 1; at <= steps; at += 1) {
      const request = { action: 'test.pause', grant: 'pause', arguments: { ms } }
      const outcome = await context.attempt('pause/' + at, request)
      if (outcome.kind === 'denied') denied += 1
      else done += 1
    }
    return { done, denied }
  },
})
`

/** The same, but nobody can know whether a step happened when its owner dies. */
export const ONCE: string = SLOW.replaceAll("'observe'", "'irreversible'").replaceAll(
  "'slow'",
  "'once'",
)

/** Two programs of one file: each asks a person, and then does what both bring along. */
export const TWINS: string = `${SLOW.slice(0, SLOW.indexOf('export default'))}
const twin = (name) => defineProgram({
  name,
  version: '1.0.0',
  input: z.unknown(),
  output: z.unknown(),
  async run(context) {
    await context.approval('ask', { prompt: 'Go on?' })
    const brief = { action: 'test.pause', grant: 'pause', arguments: { ms: 1 } }
    return await context.effect('pause', brief)
  },
})
export const first = twin('first')
export const second = twin('second')
`

/** Dies of an effect that is refused. */
export const REFUSED: string = `${IMPORTS}
export default defineProgram({
  name: 'refused',
  version: '1.0.0',
  input: z.unknown(),
  output: z.unknown(),
  run: async (context) => await context.effect('read', fs.read('nothing', { path: 'a' })),
})
`

/** Throws, for a reason that is no text to be printed as it is. */
export const THROWS: string = `${IMPORTS}
export default defineProgram({
  name: 'throws',
  version: '1.0.0',
  input: z.unknown(),
  output: z.unknown(),
  run: async () => { throw new RangeError('it \\u001b[31mfails\\u202e') },
})
`

/** Gives its input back. */
export const ECHO: string = `${IMPORTS}
export default defineProgram({
  name: 'echo',
  version: '1.0.0',
  input: z.unknown(),
  output: z.unknown(),
  run: async (_context, input) => input,
})
`

/** How `slow` is granted what it does. */
export const PAUSE_GRANT = 'pause=test.pause:tool:pause'

/** Reads one file, holds another one unseen, and asks a person. */
export const INBOX: string = `${IMPORTS}
export default defineProgram({
  name: 'inbox',
  version: '1.0.0',
  input: z.strictObject({}),
  output: z.unknown(),
  needs: ['files'],
  async run(context) {
    await context.hold('b', fs.read('files', { path: 'b.txt' }))
    await context.effect('a', fs.read('files', { path: 'a.txt' }))
    return await context.approval('ask', { prompt: 'Go on?' })
  },
})
`

/** Takes a secret along to a server, and gives back what it answers. */
export const CARRIER: string = `${IMPORTS}import { net } from '@ice/effects'
export default defineProgram({
  name: 'carrier',
  version: '1.0.0',
  input: z.strictObject({ url: z.string() }),
  output: z.string(),
  async run(context, { url }): Promise<string> {
    const authorization = { $secret: 'api/token', grant: 'keys', before: 'Bearer ' }
    const asked = net.fetch('api', { url, headers: { authorization } })
    return (await context.effect('ask', asked)).body
  },
})
`

/** Writes what it was given, seen or not. */
export const DELIVER: string = `${IMPORTS}
export default defineProgram({
  name: 'deliver',
  version: '1.0.0',
  input: z.strictObject({ path: z.string(), document: z.unknown() }),
  output: z.null(),
  needs: ['out'],
  async run(context, { path, document }): Promise<null> {
    await context.effect('put', fs.replace('out', { path, content: document as string }))
    return null
  },
})
`

/** Starts a program with the arguments of its input. */
export const STARTS: string = `${IMPORTS}import { proc } from '@ice/effects'
export default defineProgram({
  name: 'starts',
  version: '1.0.0',
  input: z.strictObject({ args: z.array(z.string()) }),
  output: z.string(),
  async run(context, { args }): Promise<string> {
    const asked = proc.observe('echo', { program: '/bin/echo', args })
    return (await context.effect('start', asked)).stdout.content
  },
})
`
