/**
 * What programs bring along to a runtime.
 *
 * The trap this closes: programs of one file share what it exports, and a runtime takes no handler
 * twice. Nothing is loaded here: whoever only reads a log imports this beside it.
 */
import type { Program } from '@ice/runs/ports'
import type { FoundProgram } from './find.ts'
import type { ProgramParts } from './load.ts'

/** What a runtime is opened with for programs. */
export interface BroughtAlong extends ProgramParts {
  readonly programs: readonly Program[]
}

/** Programs, and what came with them, each once. */
export function broughtAlong(found: readonly FoundProgram[]): BroughtAlong {
  const each = <N extends keyof ProgramParts>(name: N): ProgramParts[N][number][] => [
    ...new Set(found.flatMap(({ parts }): readonly ProgramParts[N][number][] => parts[name])),
  ]
  return {
    programs: found.map(({ program }) => program),
    effects: each('effects'),
    types: each('types'),
    kinds: each('kinds'),
  }
}
