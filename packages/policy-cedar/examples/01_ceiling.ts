/** An organisation forbids one thing, whoever was granted it. */
import { adoptCeiling, createAuthority, describe, fsKind, grantedEvent } from '@ice/capabilities'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import { openCedarCeiling } from '@ice/policy-cedar'
import * as ice from '@ice/primitives'

const clock = ice.systemClock
const ids = ice.createIds({ clock, random: ice.systemRandom })
const taxonomy = composeTaxonomy(standardTypes)
const log = createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })

const ceiling = openCedarCeiling({
  name: 'organisation',
  byDefault: 'permit',
  policies: `
    @id("no keys")
    forbid(principal, action, resource in Ice::Kind::"fs")
      when { context.claim.path like "*.key" };`,
})
await adoptCeiling(log, ceiling, { policyText: ceiling.policyText })
const authority = createAuthority({ log, kinds: [fsKind], ceiling })

const [run, grant] = [ids.nextRunId(), ids.nextGrantId()]
const resource = { kind: 'fs', root: '/home/alice/project' }
const rights = { actions: ['fs.read'], resource }
const root = authority.rootGrant({ id: grant, holder: `run/${run}`, ...rights })
const stream = ice.streamId(`grant/${grant}`)
const events = [grantedEvent(root)]
await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })
await authority.refresh()

function ask(path: string): string {
  const argumentsDigest = ice.sha256Hex(ice.canonicalize({ path }))
  const call = { run, grant, action: 'fs.read', resource: { path }, argumentsDigest }
  const asked = { ...call, arguments: { path }, callDigest: authority.callDigest(call) }
  const decision = authority.decide({ ...asked, at: clock.now() })
  return 'ok' in decision ? 'allowed' : describe(decision.denied)
}

console.log(ask('src/index.ts')) // allowed
console.log(ask('deploy.key')) // denied: The policy "organisation" refuses: forbidden by "no keys"
