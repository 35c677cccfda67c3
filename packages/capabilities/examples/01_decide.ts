/** A grant is narrowed for a run, asked, and revoked from above. */
import { createAuthority, createGrants, describe, fsKind, grantedEvent } from '@ice/capabilities'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import * as ice from '@ice/primitives'

const clock = ice.systemClock
const ids = ice.createIds({ clock, random: ice.systemRandom })
const taxonomy = composeTaxonomy(standardTypes)
const log = createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })
const authority = createAuthority({ log, kinds: [fsKind] })
const grants = createGrants({ log, authority, kinds: [fsKind], clock, ids })

const files = { kind: 'fs', root: '/home/alice/project' }
const rights = { actions: ['fs.read', 'fs.write'], resource: files, delegable: 1 }
const id = ids.nextGrantId()
const root = authority.rootGrant({ id, holder: 'principal/os:alice', ...rights })
const stream = ice.streamId(`grant/${id}`)
const events = [grantedEvent(root)]
await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events }] })

const run = ids.nextRunId()
const narrower = { actions: ['fs.read'], resource: { ...files, within: ['src'] } }
const grant = await grants.delegate({ parent: id, holder: `run/${run}`, ...narrower })

function ask(action: string, path: string): string {
  const argumentsDigest = ice.sha256Hex(ice.canonicalize({ path }))
  const call = { run, grant, action, resource: { path }, argumentsDigest }
  const asked = { ...call, arguments: { path }, callDigest: authority.callDigest(call) }
  const decision = authority.decide({ ...asked, at: clock.now() })
  return 'ok' in decision ? 'allowed' : describe(decision.denied)
}

console.log(ask('fs.read', 'src/index.ts')) // allowed
console.log(ask('fs.write', 'package.json')) // denied, for 2 reasons: the action, the path
await grants.revoke(id, { reason: 'the project is over' })
console.log(ask('fs.read', 'src/index.ts')) // denied: The grant … was revoked by grant/…@2
