/** A task under the kernel: its grants are recorded on a log, and calls are decided on them. */
import { createAuthority, grantedEvent, grantStream } from '@ice/capabilities'
import type { AuthorityRequest } from '@ice/capabilities/ports'
import { composeTaxonomy, createEventLog, memoryEventStore, standardTypes } from '@ice/events'
import { seededClock } from '@ice/events/testing'
import {
  canonicalize,
  type EventId,
  type GrantId,
  type JsonObject,
  type RunId,
  sha256Hex,
} from '@ice/primitives'
import { seededIds } from '@ice/primitives/testing'
import { taskToolKind } from '../src/index.ts'
import type { Task, TaskTool } from '../src/ports.ts'
import { taskOf } from './products.ts'

/** A task whose grants are recorded, and the authority over them. */
export interface Governed {
  readonly task: Task
  readonly grants: ReadonlyMap<string, GrantId>
  /** The code of the reason, `ok`, or `approved` with the approval a person gave. */
  decide(key: string, tool: string, args: JsonObject): string
  /** What becomes of a call under the grants it is put under. */
  try(tool: string, args: JsonObject): string
}

/** Declares and records the grants of a prompt. */
export const govern = async (prompt: string, tools: readonly TaskTool[]): Promise<Governed> => {
  const clock = seededClock({ seed: prompt })
  const ids = seededIds(prompt)
  const taxonomy = composeTaxonomy(standardTypes)
  const log = createEventLog({ store: memoryEventStore({ clock }), taxonomy, clock })
  const authority = createAuthority({ log, kinds: [taskToolKind] })
  const task = taskOf(prompt, tools)
  const run: RunId = ids.nextRunId()
  const grants = new Map<string, GrantId>()
  for (const { actions, caveats, key, label, resource } of task.grants) {
    const id = ids.nextGrantId()
    grants.set(key, id)
    const spec = { id, holder: `run/${run}` as const, actions, resource, caveats }
    const events = [grantedEvent(authority.rootGrant(spec), { label })]
    await log.append({
      writes: [{ stream: grantStream(id), expectedVersion: 'no_stream', events }],
    })
  }
  await authority.refresh()
  const decide = (key: string, tool: string, args: JsonObject): string => {
    const read = task.call({ tool, arguments: args })
    const { action, labels, resource } = read
    const argumentsDigest = sha256Hex(canonicalize(args))
    const call = { run, grant: grants.get(key) as GrantId, action, resource, argumentsDigest }
    const callDigest = authority.callDigest(call)
    const request: AuthorityRequest = {
      ...call,
      arguments: args,
      labels,
      at: clock.now(),
      callDigest,
    }
    const decision = authority.decide(request)
    if ('ok' in decision) return 'ok'
    const { code } = decision.denied
    if (!code.endsWith('APPROVAL_REQUIRED')) return code.replace('ICE_CAPABILITIES_', '')
    const approved = { digest: callDigest, event: `run/${run}@1` as EventId }
    return 'ok' in authority.decide({ ...request, approved }) ? 'approved' : 'lost'
  }
  return {
    task,
    grants,
    decide,
    try(tool, args) {
      const verdicts = task
        .call({ tool, arguments: args })
        .grants.map((key) => decide(key, tool, args))
      return (
        verdicts.find((verdict) => verdict === 'ok' || verdict === 'approved') ?? verdicts.join()
      )
    },
  }
}
