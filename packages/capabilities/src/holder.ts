/**
 * Holders: who may use a grant.
 *
 *     holder = "run/" run-id  |  "agent/" agent-id  |  "session/" session-id
 *            | "principal/" principal-id  |  "tool/" tool-name
 */
import { isAgentId, isPrincipalId, isRunId, isSessionId } from '@ice/primitives'
import type { Holder } from './ports.ts'
import { isToolName } from './tool.ts'

/** What kind of holder a grant names; also the member of a request that has to match it. */
export type HolderKind = 'run' | 'agent' | 'session' | 'principal' | 'tool'

/** A holder in its two parts. */
export interface HolderParts {
  readonly kind: HolderKind
  readonly id: string
}

const GRAMMARS: ReadonlyMap<string, (id: unknown) => boolean> = new Map<
  HolderKind,
  (id: unknown) => boolean
>([
  ['run', isRunId],
  ['agent', isAgentId],
  ['session', isSessionId],
  ['principal', isPrincipalId],
  ['tool', isToolName],
])

/** Takes a holder apart; `undefined` when it is none. */
export function holderParts(holder: unknown): HolderParts | undefined {
  if (typeof holder !== 'string') return undefined
  const slash = holder.indexOf('/')
  const kind = holder.slice(0, Math.max(slash, 0))
  const id = holder.slice(slash + 1)
  return GRAMMARS.get(kind)?.(id) === true ? { kind: kind as HolderKind, id } : undefined
}

/** Whether this is a holder. */
export function isHolder(holder: unknown): holder is Holder {
  return holderParts(holder) !== undefined
}
