/** A program whose one effect is tried again, for processes that are killed in between. */
import { IceError } from '@ice/primitives'
import { defineProgram } from '@ice/runs'
import type { EffectHandler } from '@ice/runs/ports'

const any = { parse: (value: unknown): unknown => value }

/** The tool `act`, which is busy, hangs, or is done. */
export function act(how: (attempt: number) => 'busy' | 'done' | 'hang'): EffectHandler {
  return {
    action: 'act',
    fate: 'idempotent',
    outcome: 'EffectSucceeded',
    arguments: { parse: (value) => value as never },
    resource: () => ({ name: 'act' }),
    perform: async ({ attempt }) => {
      const now = how(attempt)
      if (now === 'hang') return new Promise(() => undefined)
      if (now === 'done') return { value: attempt, observed: {} }
      throw new IceError({ code: 'ICE_TEST_BUSY', message: 'busy', retryable: true })
    },
  }
}

export const trying = defineProgram({
  name: 'trying',
  version: '1',
  input: any,
  output: any,
  run: (context) =>
    context.effect('act', {
      action: 'act',
      grant: 'g',
      arguments: {},
      retry: { attempts: 5, firstMs: 400, factor: 1 },
    }),
})

export const grants = { g: { actions: ['act'], resource: { kind: 'tool', name: 'act' } } } as const
