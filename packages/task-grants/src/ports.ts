/**
 * The ports of this package: types only.
 *
 * A *task* is one prompt of a person and the tools an agent may reach for. What it may do is
 * declared from these two, before any content is seen. *Naming* is the link between a call and the
 * prompt: a value of a call is named when the prompt has it, by rules that are exact.
 */

import type { Caveat, Label } from '@ice/capabilities/ports'
import type { JsonObject, JsonValue } from '@ice/primitives'

/** A tool as models are told of it: a name, a sentence, a JSON Schema of its arguments. */
export interface TaskTool {
  /** As in `send_message`, `files.delete`, `createEvent`. */
  readonly name: string
  readonly description?: string
  /** JSON Schema of an object; `properties`, `required` and what they say of types are read. */
  readonly parameters?: JsonObject
  /** What the author knows better than the words of the tool: whether a call changes the world. */
  readonly effect?: 'observe' | 'act'
  /** Parameters that the prompt has to name, whatever their names suggest. */
  readonly named?: readonly string[]
}

/** What grants are declared from. Both are trusted: the user's words, the product's tools. */
export interface TaskInit {
  readonly prompt: string
  readonly tools: readonly TaskTool[]
  /**
   * `targets`: whom and what an act reaches has to be named; how much, when and in which words is
   * left to the agent. `everything`: each argument of an act has to be named.
   * @defaultValue 'targets'
   */
  readonly naming?: 'targets' | 'everything'
}

/**
 * Why a grant exists. `observe`: the tool changes nothing. `request`: the prompt asks for such an
 * act and the call names its target. `spelled`: the prompt asks for such an act and the call has
 * no target, so its words have to be in the prompt. `approval`: whatever the others do not cover.
 */
export type TaskGrantSource = 'observe' | 'request' | 'spelled' | 'approval'

/** A grant to be recorded before the task begins: what `Authority.rootGrant` is made from. */
export interface TaskGrant {
  /** Unique in the task: `<source>:<tool>`, for `request` followed by the parameter it hangs on. */
  readonly key: string
  readonly source: TaskGrantSource
  readonly tool: string
  readonly actions: readonly string[]
  readonly resource: JsonObject & { readonly kind: string }
  readonly caveats: readonly Caveat[]
  /** For people: which words of the prompt and the tool it stands on; at most 512 characters. */
  readonly label: string
}

/** A call as authority is asked about it: members of an `AuthorityRequest`. */
export interface TaskCall {
  /** Keys of the grants it is made under: the second only where the first denies. */
  readonly grants: readonly string[]
  readonly action: string
  /** The claim of the resource kind `task-tool`. */
  readonly resource: JsonObject
  readonly arguments: JsonObject
  /**
   * By JSON pointer. An argument that the prompt names has no sources; any other, and the whole,
   * has those of the context, and `unnamed`.
   */
  readonly labels: Readonly<Record<string, Label>>
}

/** The authority of one task. A function of prompt and tools alone: content never reaches it. */
export interface Task {
  readonly grants: readonly TaskGrant[]
  /**
   * Reads a call of a model.
   *
   * @param call.context - the label of all that the model has read; it is carried over, and never
   * makes a value more trusted. Left out: nothing is known of who may read the arguments
   * @throws `ICE_TASK_GRANTS_TOOL_NOT_FOUND`; `ICE_TASK_GRANTS_ARGUMENTS_LIMIT` when the arguments
   * are no JSON object within bounds
   */
  call(call: ToolCall): TaskCall
}

/** What a model wants to do. */
export interface ToolCall {
  readonly tool: string
  readonly arguments: JsonValue
  readonly context?: Label
}
