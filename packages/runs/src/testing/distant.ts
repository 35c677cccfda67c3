/**
 * Rows of the index, and turns, as a process far from them has them: each call takes its turn on
 * the way, may not arrive, and its answer may be lost. So a process can die between the log and the
 * index, and between a turn and the run it is for.
 */
import { IceError } from '@ice/primitives'
import type { RunRows, Turns } from '../index-ports.ts'
import type { Choices } from './choices.ts'
import type { Scheduler, Turnable } from './scheduler.ts'
import type { Faults } from './simulation-ports.ts'

/** Told where a call did not come through. */
export const DISTANT_CODE = 'ICE_SIMULATED_UNAVAILABLE'

/** What lies between a process and what it calls. */
export interface DistantInit {
  readonly scheduler: Scheduler
  readonly choices: Choices
  readonly of: Turnable
  readonly faults: () => Faults
  readonly lost: () => void
}

/** Rows behind a network, which may be thrown away: the index is disposable. */
export function distantRows(rows: () => RunRows, init: DistantInit): RunRows {
  const read = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
    await init.scheduler.post(init.of, `${what} of the index`)
    return ask()
  }
  return {
    supports: rows().supports,
    mark: () => read('mark', () => rows().mark()),
    move: (move) => write(init, 'move the index', () => rows().move(move)),
    find: (query) => read('find', () => rows().find(query)),
    ready: (query) => read('ready runs', () => rows().ready(query)),
    outlook: (now) => read('outlook', () => rows().outlook(now)),
    counts: (now) => read('counts', () => rows().counts(now)),
    close: async () => undefined,
  }
}

/** Turns behind a network. */
export function distantTurns(turns: Turns, init: DistantInit): Turns {
  return {
    take: (request) => write(init, `take a turn of ${request.queue}`, () => turns.take(request)),
    give: (run, owner) => write(init, 'give a turn back', () => turns.give(run, owner)),
    drop: (owner) => write(init, `drop the turns of ${owner}`, () => turns.drop(owner)),
    owners: async () => {
      await init.scheduler.post(init.of, 'owners of turns')
      return turns.owners()
    },
    close: async () => undefined,
  }
}

async function write<T>(
  { scheduler, choices, of, faults, lost }: DistantInit,
  what: string,
  ask: () => Promise<T>,
): Promise<T> {
  await scheduler.post(of, what)
  if (choices.chance(faults().lose)) {
    lost()
    throw unavailable('none')
  }
  const answer = await ask()
  if (!choices.chance(faults().forget)) return answer
  lost()
  throw unavailable('unknown')
}

function unavailable(fate: 'none' | 'unknown'): IceError {
  const message = `The network lost it; fate ${fate}`
  return new IceError({ code: DISTANT_CODE, message, data: { fate }, retryable: true })
}
