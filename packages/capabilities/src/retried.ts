/** Commands that are decided anew while what they were decided on moves. */
import { hasCode } from '@ice/primitives'
import { COMMAND_TRIES_MAX } from './limits.ts'

const MOVED = ['ICE_EVENTS_VERSION_CONFLICT', 'ICE_EVENTS_GUARD_CONFLICT', 'ICE_EVENTS_TOO_LATE']

/** Tries a command again while what it was decided on moves; the last conflict is thrown. */
export async function retried(attempt: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt()
    } catch (error) {
      const hasMoved = MOVED.some((code) => hasCode(error, code))
      if (!hasMoved || tries === COMMAND_TRIES_MAX) throw error
    }
  }
}
