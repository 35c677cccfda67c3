/** What grants and calls of one task share: its prompt, and what that asks for and mentions. */
import type { ReadPrompt } from './prompt.ts'
import type { Request } from './requests.ts'
import type { Parameter, ReadTool } from './tools.ts'

/** The action of a call that changes nothing, and of one that does. */
export const TASK_ACTIONS = { observe: 'tool.observe', act: 'tool.act' } as const

/** What asks for a tool. */
export interface Asked {
  /** The first verb that does. */
  readonly verb: string
  readonly requests: readonly Request[]
}

/** A task as it was read. */
export interface Room {
  readonly prompt: ReadPrompt
  /** For each tool that acts and is asked for, what asks. */
  readonly asked: ReadonlyMap<string, Asked>
  readonly everything: boolean
  /** What a call may mention. */
  readonly mentions: readonly string[]
}

/** The JSON pointer of an argument. */
export const pathOf = (name: string): string =>
  `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

/** Parameters that say whom or what a call reaches. */
export const targetsOf = (tool: ReadTool): readonly Parameter[] =>
  tool.parameters.filter(({ role }) => role === 'target')

/** What a call can hang on: a target that is more than a choice. */
export const anchorsOf = (tool: ReadTool): readonly Parameter[] =>
  targetsOf(tool).filter(({ isChoice }) => !isChoice)
