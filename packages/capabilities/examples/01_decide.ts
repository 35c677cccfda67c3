import { createAuthority, createGrants, describe, fsKind } from '@ice/capabilities'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import { createIds, sha256Hex, streamId, systemClock, systemRandom } from '@ice/primitives'

const clock = systemClock
const ids = createIds({ clock, random: systemRandom })
const taxonomy = composeTaxonomy(standardTypes)
const log = createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })
const authority = createAuthority({ log, kinds: [fsKind] })
const grants = createGrants({ log, authority, kinds: [fsKind], clock, ids })

// A root grant is checked here and recorded by whoever issues it.
const run = ids.nextRunId()
const root = authority.rootGrant({
  id: ids.nextGrantId(),
  holder: 'principal/os:alice',
  actions: ['fs.read', 'fs.write'],
  resource: { kind: 'fs', root: '/home/alice/project' },
  delegable: 1,
})
const granted = { type: 'CapabilityGranted', data: { grant: root } }
const stream = streamId(`grant/${root.id}`)
await log.append({ writes: [{ stream, expectedVersion: 'no_stream', events: [granted] }] })

// A run gets a narrower one.
const grant = await grants.delegate({
  parent: root.id,
  holder: `run/${run}`,
  actions: ['fs.read'],
  resource: { kind: 'fs', root: '/home/alice/project', within: ['src'] },
})

function ask(action: string, path: string): void {
  const args = { path }
  const argumentsDigest = sha256Hex(JSON.stringify(args))
  const call = { run, grant, action, resource: { path }, argumentsDigest }
  const callDigest = authority.callDigest(call)
  const at = clock.now()
  const decision = authority.decide({ ...call, arguments: args, at, callDigest })
  const verdict = 'ok' in decision ? 'allowed' : describe(decision.denied)
  process.stdout.write(`${action} ${path}\n${verdict}\n\n`)
}

ask('fs.read', 'src/index.ts')
ask('fs.write', 'package.json')
await grants.revoke(root.id, { reason: 'the project is over' })
ask('fs.read', 'src/index.ts')
