/** What the intents of one append guard together. */
import type { Guard, StreamWrite } from '@ice/events/ports'
import type { Intent } from './journal.ts'

/** Each guarded stream once; what the unit itself writes is guarded by its expected version. */
export function uniqueGuards(
  intents: readonly Pick<Intent, 'guards'>[],
  writes: readonly StreamWrite[],
): Guard[] {
  const written = new Set<string>(writes.map(({ stream }) => stream))
  const guards = new Map<string, Guard>()
  for (const intent of intents) {
    for (const guard of intent.guards) {
      if (written.has(guard.stream)) continue
      // Of two decisions on different versions the older one must hold, or both are refused.
      const known = guards.get(guard.stream)
      if (known === undefined || guard.version < known.version) guards.set(guard.stream, guard)
    }
  }
  return [...guards.values()]
}
