/** The beginning of a run, folded. */

import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import { type GrantId, invariant, type OwnerId, type RunId } from '@ice/primitives'
import { giveInput } from './labels.ts'
import type { Payload, RunFold } from './lifecycle.ts'
import { placementOf } from './placement.ts'
import type { RunView } from './ports.ts'

/** A run exists: nothing was before. */
export function create(fold: RunFold, event: RecordedEvent): RunFold {
  invariant(fold.view === null, `${event.id}: a run is created once`)
  const data = event.data as Payload<'RunCreated'>
  for (const { name, grant } of data.grants) fold.grants.set(name, grant as GrantId)
  fold.input = data.input as ValueRef
  fold.standing = (data.standing ?? []) as GrantId[]
  giveInput(fold.labels, data)
  fold.placement = placementOf(data)
  fold.view = {
    run: data.run as RunId,
    state: 'CREATED',
    phase: 'provisioning',
    program: data.program,
    owner: data.owner as OwnerId,
    epoch: data.epoch,
    version: event.version,
    createdAt: event.time,
    updatedAt: event.time,
    principal: event.principal ?? null,
    agent: data.agent ?? null,
    session: data.session ?? null,
    key: data.key ?? null,
    suspended: false,
    conclusion: null,
    quarantine: null,
    reason: null,
    tags: data.tags ?? {},
    parent: (data.parent ?? null) as RunView['parent'],
    line: (data.continues?.first ?? data.run) as RunId,
    continuedAs: null,
  }
  for (const [name, version] of Object.entries(data.continues?.taken ?? {})) {
    fold.signals.taken.set(name, version)
  }
  return fold
}
