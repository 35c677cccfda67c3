/**
 * The authority of a task: grants from its prompt and its tools, before any content is seen.
 *
 *     tool observes                     observe    free; what leads outside has to be named
 *     tool acts, the prompt asks so     request    has a target: each target named, nothing
 *                                                  mentioned but what the prompt mentions
 *                                       spelled    has none: its words named; how much and
 *                                                  when too, where it has no words
 *     any tool of these                 approval   a person is asked about exactly this call
 *
 * 1. Grants and readings are functions of the prompt, the tools and the call. Content of the task
 *    is no input, so whatever is written in it changes no decision about a given call.
 * 2. A call is made under one grant, and under the one with the approval where that denies. Which,
 *    follows from the call alone: nothing is searched for that would allow it.
 *
 * The trap: a rule that asks the model, or a text it has read, what the user meant.
 */
import type { JsonObject } from '@ice/primitives'
import { readCall } from './call.ts'
import { jsonFault, toolFaults } from './checks.ts'
import { TASK_GRANTS_CODES, TaskGrantsError } from './errors.ts'
import { grantsOf } from './grants.ts'
import { MEASURE_NOUNS } from './lexicon.ts'
import { MENTIONS_CHARS_MAX, MENTIONS_MAX, PROMPT_CHARS_MAX, TOOLS_MAX } from './limits.ts'
import { isCut } from './mentions.ts'
import type { Task, TaskCall, TaskInit, ToolCall } from './ports.ts'
import { type ReadPrompt, readPrompt } from './prompt.ts'
import type { Request } from './requests.ts'
import type { Asked, Room } from './room.ts'
import { type ReadTool, readTool } from './tools.ts'

/**
 * Declares the grants of a task and reads its calls.
 *
 * @throws {TaskGrantsError} `ICE_TASK_GRANTS_PROMPT_LIMIT`, `ICE_TASK_GRANTS_TOOLS_UNSUPPORTED`
 */
export function taskGrants(init: TaskInit): Task {
  const { prompt, tools, naming = 'targets' } = init
  if (typeof prompt !== 'string' || prompt.length > PROMPT_CHARS_MAX) {
    throw new TaskGrantsError(
      TASK_GRANTS_CODES.promptLimit,
      `A prompt is text of at most ${PROMPT_CHARS_MAX} characters`,
    )
  }
  const reasons = toolFaults(tools)
  if (reasons.length > 0) {
    throw new TaskGrantsError(
      TASK_GRANTS_CODES.toolsUnsupported,
      `No task has these tools: ${reasons.slice(0, TOOLS_MAX).join('; ')}`,
      { reasons },
    )
  }
  const read = readPrompt(prompt)
  const known = tools.map(readTool)
  const asked = askedFor(read.requests, known)
  const mentions = mentionable(read)
  const room: Room = { prompt: read, asked, mentions, everything: naming === 'everything' }
  const byName = new Map(known.map((tool) => [tool.name, tool]))
  return Object.freeze({
    grants: Object.freeze(known.flatMap((tool) => grantsOf(room, tool))),
    call(call: ToolCall): TaskCall {
      const tool = byName.get(call.tool)
      if (tool === undefined) {
        const message = `The task has no tool ${JSON.stringify(String(call.tool).slice(0, 80))}`
        throw new TaskGrantsError(TASK_GRANTS_CODES.toolNotFound, message)
      }
      const args = call.arguments
      const fault = jsonFault(args)
      if (fault !== undefined) {
        throw new TaskGrantsError(TASK_GRANTS_CODES.argumentsLimit, `Arguments are ${fault}`)
      }
      return readCall(room, tool, { args: args as JsonObject, context: call.context })
    },
  })
}

/** The addresses of a prompt, as many as a grant can hold; the others are asked about. */
function mentionable({ mentions }: ReadPrompt): readonly string[] {
  const held: string[] = []
  let chars = 0
  for (const form of mentions) {
    chars += form.length
    if (held.length === MENTIONS_MAX || chars > MENTIONS_CHARS_MAX) break
    if (!isCut(form)) held.push(form)
  }
  return held
}

/**
 * Which tools the requests are for: those whose verb is of the same group. Where the clause holds
 * what some of them are about (`send an email`), it is for these alone.
 *
 * To send is to tell and to give. A verb of several groups asks for a tool that is told how much
 * only where the clause says of something how much: `send them the difference`, `send 10 to Bob`;
 * to send a summary to Bob gives nothing away.
 */
function askedFor(
  requests: readonly Request[],
  tools: readonly ReadTool[],
): ReadonlyMap<string, Asked> {
  const asked = new Map<string, { readonly verb: string; readonly requests: Request[] }>()
  for (const request of requests) {
    const { groups, head, verb, words } = request
    const fit = tools.filter(
      (tool) =>
        tool.acts &&
        groups.some((group) => tool.groups.has(group)) &&
        (!tool.measures || saysHowMuch(request, tool)),
    )
    const about = fit.filter(({ nouns }) =>
      [...nouns].some((noun) => noun === head || words.has(noun)),
    )
    for (const { name } of about.length > 0 ? about : fit) {
      const before = asked.get(name)
      if (before === undefined) asked.set(name, { verb, requests: [request] })
      else before.requests.push(request)
    }
  }
  return asked
}

function saysHowMuch({ groups, words }: Request, { nouns }: ReadTool): boolean {
  if (groups.length === 1) return true
  return [...words].some((word) => nouns.has(word) || MEASURE_NOUNS.has(word) || /^\d/.test(word))
}
