/**
 * A call of a model, read: which of its arguments the prompt names, what it mentions besides, and
 * under which grants it is put.
 */
import type { Label } from '@ice/capabilities/ports'
import type { JsonObject, JsonValue } from '@ice/primitives'
import { MENTIONS_MAX, READ_CHARS_MAX } from './limits.ts'
import { clausesFor, isMeant } from './meaning.ts'
import { folded, mentionsOf } from './mentions.ts'
import { isNamed } from './naming.ts'
import type { TaskCall } from './ports.ts'
import { anchorsOf, pathOf, type Room, TASK_ACTIONS } from './room.ts'
import type { ReadTool } from './tools.ts'

/** Of a context nobody told of: no source of its own, and nobody who may read it. */
const UNREAD: Label = Object.freeze({ sources: [], readers: [] })

/** The source of what the prompt does not name. */
const UNNAMED = 'unnamed'

/** What is read. */
export interface CallInit {
  readonly args: JsonObject
  readonly context: Label | undefined
}

/** Reads a call whose arguments were checked to be JSON within bounds. */
export function readCall(room: Room, tool: ReadTool, init: CallInit): TaskCall {
  const { args, context = UNREAD } = init
  const { readers } = context
  const named: Label = { sources: [], readers }
  const unnamed: Label = { sources: [...new Set([...context.sources, UNNAMED])].sort(), readers }
  const labels: [pointer: string, label: Label][] = [['', unnamed]]
  const mentions = new Set<string>()
  const clauses = clausesFor(room, tool)
  for (const [name, value] of Object.entries(args)) {
    const parameter = tool.parameters.find((each) => each.name === name)
    const isByPrompt =
      parameter !== undefined &&
      isNamed(room.prompt, value, parameter) &&
      isMeant(clauses(), value, parameter)
    if (isByPrompt) labels.push([pathOf(name), named])
    else for (const form of formsIn(value)) mentions.add(form)
  }
  return {
    grants: grantKeys(room, tool, args),
    action: tool.acts ? TASK_ACTIONS.act : TASK_ACTIONS.observe,
    resource: {
      tool: tool.name,
      mentions: tool.acts ? [...mentions].slice(0, MENTIONS_MAX + 1) : [],
    },
    arguments: args,
    labels: Object.fromEntries(labels),
  }
}

/** The grant a call is made under, and the one with the approval after it. */
function grantKeys(room: Room, tool: ReadTool, args: JsonObject): readonly string[] {
  const key = (...parts: readonly string[]): string => parts.join(':')
  const approval = key('approval', tool.name)
  if (!tool.acts) {
    const leadsOut = tool.parameters.some(({ isOutward }) => isOutward)
    return [key('observe', tool.name), ...(leadsOut ? [approval] : [])]
  }
  if (!room.asked.has(tool.name) || tool.parameters.length === 0) return [approval]
  const anchor = anchorsOf(tool).find(({ name }) => isGiven(args, name))
  if (anchor === undefined) return [key('spelled', tool.name), approval]
  return [key('request', tool.name, anchor.name), approval]
}

function isGiven(args: JsonObject, name: string): boolean {
  const value = Object.hasOwn(args, name) ? args[name] : null
  return value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
}

function* formsIn(value: JsonValue): Generator<string> {
  if (typeof value === 'string') {
    // What is too long to be read may mention anything.
    if (value.length > READ_CHARS_MAX) yield '(text that is too long to be read)'
    else for (const { form } of mentionsOf(folded(value))) yield form
  } else if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) yield* formsIn(member as JsonValue)
  }
}
