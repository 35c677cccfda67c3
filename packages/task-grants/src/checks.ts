/// <reference lib="es2024.string" />
/** What is handed in is checked before it is read: tools by shape, arguments by size. */
import type { JsonValue } from '@ice/primitives'
import {
  ARGUMENT_DEPTH_MAX,
  ARGUMENT_NODES_MAX,
  DESCRIPTION_CHARS_MAX,
  NAME_CHARS_MAX,
  PARAMETERS_MAX,
  TOOLS_MAX,
} from './limits.ts'
import type { TaskTool } from './ports.ts'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown, charsMax: number): value is string =>
  typeof value === 'string' && value.length <= charsMax && value.isWellFormed()

const isName = (value: unknown): value is string => isText(value, NAME_CHARS_MAX)

/** Why these are no tools of a task; empty when they are. Total. */
export function toolFaults(tools: unknown): readonly string[] {
  if (!Array.isArray(tools)) return ['tools are a list']
  if (tools.length > TOOLS_MAX) return [`there are more than ${TOOLS_MAX}`]
  const names = new Set<unknown>()
  return tools.flatMap((tool, at) => {
    const fault = toolFault(tool)
    if (fault !== undefined) return [`the tool at ${at} ${fault}`]
    const { name } = tool as TaskTool
    if (names.has(name)) return [`the tool at ${at} has the name of another`]
    names.add(name)
    return []
  })
}

function toolFault(tool: unknown): string | undefined {
  if (!isRecord(tool)) return 'is no object'
  const { description, effect, name, named, parameters } = tool
  if (!isName(name) || !/^[!-~](?:[ -~]*[!-~])?$/.test(name)) {
    return `has no name of 1 to ${NAME_CHARS_MAX} printable characters`
  }
  if (description !== undefined && !isText(description, DESCRIPTION_CHARS_MAX))
    return 'has no text as its description'
  if (effect !== undefined && effect !== 'observe' && effect !== 'act') return 'has no known effect'
  if (named !== undefined && !(Array.isArray(named) && named.every(isName))) {
    return 'has no list of names as what has to be named'
  }
  return parameters === undefined ? undefined : parametersFault(parameters)
}

function parametersFault(parameters: unknown): string | undefined {
  if (!isRecord(parameters)) return 'has parameters that are no schema'
  const fault = jsonFault(parameters)
  if (fault !== undefined) return `has parameters that are ${fault}`
  const { properties = {} } = parameters
  if (!isRecord(properties)) return 'has properties that are no object'
  const names = Object.keys(properties)
  if (names.length > PARAMETERS_MAX) return `has more than ${PARAMETERS_MAX} parameters`
  const isWhole = names.every((name) => isName(name) && isRecord(properties[name]))
  return isWhole ? undefined : 'has a property that is no schema'
}

/** Why this is no JSON object within bounds. Without recursion, for arguments can be hostile. */
export function jsonFault(value: unknown): string | undefined {
  if (!isRecord(value)) return 'no JSON object'
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 1 }]
  let nodes = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    nodes += 1
    if (nodes > ARGUMENT_NODES_MAX) return `JSON of more than ${ARGUMENT_NODES_MAX} values`
    if (next.depth > ARGUMENT_DEPTH_MAX) return `nested deeper than ${ARGUMENT_DEPTH_MAX}`
    if (!isJsonLeaf(next.value)) {
      const members = membersOf(next.value)
      if (members === undefined) return 'not JSON in every part'
      const { depth } = next
      for (const member of members) pending.push({ value: member, depth: depth + 1 })
    }
  }
  return undefined
}

const isJsonLeaf = (value: unknown): value is Exclude<JsonValue, object> =>
  value === null ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && value.isWellFormed()) ||
  (typeof value === 'number' && (Number.isSafeInteger(value) || isFraction(value)))

/** What canonical JSON writes as it was meant. */
const isFraction = (value: number): boolean => Number.isFinite(value) && !Number.isInteger(value)

function membersOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value
  if (!isRecord(value)) return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return undefined
  return Object.hasOwn(value, '__proto__') ? undefined : Object.values(value)
}
