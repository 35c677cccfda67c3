/**
 * Commands on stop switches: each is one event of the switch's own stream, recorded with who gave
 * it. A command that finds things as it wants them records nothing.
 */
import { projectLog, projectStream } from '@ice/events/define'
import type { EventLog } from '@ice/events/ports'
import type { PrincipalId, StreamVersion } from '@ice/primitives'
import { CAPABILITIES_CODES, CapabilitiesError } from './errors.ts'
import type { RevokeCommand, StopScope, StopState } from './ports.ts'
import { retried } from './retried.ts'
import { evolveStop, isStopScope, type StopSwitches, stopStream } from './stops.ts'
import { clip, shown } from './text.ts'

/** What commands on switches are made of. */
export interface StopRoom {
  readonly log: EventLog
  readonly principal?: PrincipalId
}

const projection = {
  name: 'stops',
  initialState: (): StopSwitches => new Map(),
  evolve(stops: StopSwitches, event: Parameters<typeof evolveStop>[1]): StopSwitches {
    evolveStop(stops, event)
    return stops
  },
}

/** One switch as the log has it; `undefined` when it was never touched. */
export async function readStop(
  { log }: Pick<StopRoom, 'log'>,
  scope: StopScope,
): Promise<StopState | undefined> {
  const stream = stopStream(scope)
  const { state } = await projectStream(log, projection, { stream })
  return state.get(stream)
}

/** Every switch that was ever touched, in the order of its first event. */
export async function readStops({ log }: Pick<StopRoom, 'log'>): Promise<readonly StopState[]> {
  const { state } = await projectLog(log, projection, { filter: { streamPrefix: 'stop/' } })
  return [...state.values()]
}

/** Throws a switch, or lifts it. */
export async function turn(
  room: StopRoom,
  scope: StopScope,
  { reason, principal = room.principal, stop }: RevokeCommand & { readonly stop: boolean },
): Promise<StopState | null> {
  checkScope(scope)
  const stream = stopStream(scope)
  await retried(async () => {
    const known = await readStop(room, scope)
    if ((known?.stopped ?? false) === stop) return
    const event = {
      type: stop ? 'AuthorityStopped' : 'AuthorityResumed',
      data: { scope, reason },
      ...(principal === undefined ? {} : { principal }),
    }
    const expectedVersion = (known?.version ?? 0) as StreamVersion
    await room.log.append({ writes: [{ stream, expectedVersion, events: [event] }] })
  })
  return (await readStop(room, scope)) ?? null
}

/** @throws {CapabilitiesError} `ICE_CAPABILITIES_SCOPE_UNSUPPORTED` */
export function checkScope(scope: unknown): asserts scope is StopScope {
  if (isStopScope(scope)) return
  const message = `A stop is of all, or of run/, agent/, session/ or operator/<id>: ${shown(scope)}`
  throw new CapabilitiesError(CAPABILITIES_CODES.scopeUnsupported, message, {
    scope: clip(String(scope)),
  })
}
