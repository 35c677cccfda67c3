/** The runtime in an application, with a tool of the application's own: here, its mail. */
import { defineProgram } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'
import { createRuntime } from '@ice/runtime'
import { z } from 'zod'

const outbox: string[] = []

/** What the application can do. It acts only after its intent is durable in the log. */
const sendMail: EffectHandler = {
  action: 'mail.send',
  fate: 'irreversible', // after a crash nobody knows: a person is asked, it is not sent twice
  outcome: 'EffectSucceeded',
  arguments: z.strictObject({ to: z.string(), text: z.string() }),
  resource: ({ to }) => ({ name: String(to).split('@')[1] ?? '' }),
  async perform({ arguments: { to, text } }) {
    outbox.push(`${to}: ${text}`)
    return { value: outbox.length, observed: { to: to ?? '' } }
  },
}

/** What an agent would like to do; every step of it is decided by the grants of the run. */
const invite = defineProgram({
  name: 'invite',
  version: '1',
  input: z.array(z.string()),
  output: z.array(z.string()),
  async run(ctx, guests) {
    const results: string[] = []
    for (const to of guests) {
      const mail = { action: 'mail.send', grant: 'mail', arguments: { to, text: 'Come over!' } }
      const outcome = await ctx.attempt(`mail/${to}`, mail)
      results.push(`${to} ${outcome.kind}`)
    }
    return results
  },
})

const ice = await createRuntime({ path: 'party.db', effects: [sendMail] })
const grants = {
  mail: {
    actions: ['mail.send'],
    resource: { kind: 'tool', name: 'example.org' },
    caveats: [{ kind: 'count', max: 2 } as const],
  },
}
const guests = ['ann@example.org', 'eve@elsewhere.net', 'ben@example.org', 'cat@example.org']
const { run, stretch } = await ice.runs.execute(invite, guests, { grants })
console.log(stretch.kind === 'concluded' ? stretch.result : stretch)
console.log(outbox) // ann and ben: eve is elsewhere, and the third mail is one too many
console.log((await ice.runs.view(run)).effects)
await ice.close()
