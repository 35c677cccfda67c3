/** What an end would affect, worked out on a log that is only read, and told. */
import {
  approvalKind,
  createAuthority,
  createGrants,
  fsKind,
  netKind,
  toolKind,
} from '@ice/capabilities'
import type { EndingPreview, EndingTarget, Grants } from '@ice/capabilities/ports'
import type { EventLog } from '@ice/events/ports'
import { createIds, systemClock, systemRandom } from '@ice/primitives'
import { counted } from '../terminal/format.ts'
import { clip, plain } from '../terminal/text.ts'

/** The commands on grants over a log that is only read: those that show, and record nothing. */
export function grantsReader(log: EventLog): Pick<Grants, 'preview' | 'stops'> {
  const kinds = [approvalKind, fsKind, netKind, toolKind]
  const authority = createAuthority({ log, kinds })
  const [clock, random] = [systemClock, systemRandom]
  return createGrants({ log, authority, kinds, clock, ids: createIds({ clock, random }) })
}

/** Works a preview out. */
export function readEnding(log: EventLog, target: EndingTarget): Promise<EndingPreview> {
  return grantsReader(log).preview(target)
}

/** A preview in one line, and then what it counts. */
export function endingLines({
  grants,
  runs,
  effects,
  approvals,
}: EndingPreview): readonly string[] {
  return [
    `would end ${counted(grants.length, 'grant')}, used by ${counted(runs.length, 'open run')}; ` +
      `${counted(effects.length, 'effect')} in flight, ` +
      `${counted(approvals.length, 'question')} open`,
    ...grants.map((grant) => `grant ${grant}`),
    ...runs.map((run) => `open run ${run}`),
    ...effects.map(
      ({ run, effect, action, fate }) =>
        `in flight ${plain(effect)} of run ${run}: ${plain(action)}, ${plain(fate)}`,
    ),
    ...approvals.map(
      ({ run, step, prompt }) => `open ${plain(step)} of run ${run}: ${clip(plain(prompt), 200)}`,
    ),
  ]
}
