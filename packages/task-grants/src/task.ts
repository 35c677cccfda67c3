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
import type { Caveat, Label } from '@ice/capabilities/ports'
import type { JsonObject, JsonValue } from '@ice/primitives'
import { jsonFault, toolFaults } from './checks.ts'
import { TASK_GRANTS_CODES, TaskGrantsError } from './errors.ts'
import { MEASURE_NOUNS } from './lexicon.ts'
import {
  CAVEAT_PATHS_MAX,
  COUNT_FLOOR,
  MENTIONS_CHARS_MAX,
  MENTIONS_MAX,
  PROMPT_CHARS_MAX,
  READ_CHARS_MAX,
  TIME_CHARS_MAX,
  TOOLS_MAX,
} from './limits.ts'
import { folded, isCut, mentionsOf } from './mentions.ts'
import { isNamed } from './naming.ts'
import type { Task, TaskCall, TaskGrant, TaskInit, ToolCall } from './ports.ts'
import { type ReadPrompt, readPrompt } from './prompt.ts'
import type { Request } from './requests.ts'
import { type Parameter, type ParameterRole, type ReadTool, readTool } from './tools.ts'

/** The action of a call that changes nothing, and of one that does. */
export const TASK_ACTIONS = { observe: 'tool.observe', act: 'tool.act' } as const

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
      return readCall(room, tool, { args: args as JsonObject, context: call.context ?? UNREAD })
    },
  })
}

/** Of a context nobody told of: no source of its own, and nobody who may read it. */
const UNREAD: Label = Object.freeze({ sources: [], readers: [] })

/** The source of what the prompt does not name. */
const UNNAMED = 'unnamed'

interface Room {
  readonly prompt: ReadPrompt
  /** For each tool that acts and is asked for, the verb that does. */
  readonly asked: ReadonlyMap<string, string>
  readonly everything: boolean
  /** What a call may mention. */
  readonly mentions: readonly string[]
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
): ReadonlyMap<string, string> {
  const asked = new Map<string, string>()
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
      if (!asked.has(name)) asked.set(name, verb)
    }
  }
  return asked
}

function saysHowMuch({ groups, words }: Request, { nouns }: ReadTool): boolean {
  if (groups.length === 1) return true
  return [...words].some((word) => nouns.has(word) || MEASURE_NOUNS.has(word) || /^\d/.test(word))
}

const pathOf = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`

function grantsOf(room: Room, tool: ReadTool): readonly TaskGrant[] {
  const approval = grantOf(tool, {
    source: 'approval',
    caveats: [{ kind: 'approval' }],
    why: 'a person is asked about each call',
  })
  if (!tool.acts) {
    const outward = tool.parameters.filter(({ isOutward }) => isOutward).map(({ name }) => name)
    const why =
      outward.length === 0 ? 'it changes nothing' : 'it changes nothing, and leads outside'
    const observe = grantOf(tool, { source: 'observe', caveats: trusted(outward), why })
    return outward.length === 0 ? [observe] : [observe, approval]
  }
  const verb = room.asked.get(tool.name)
  if (verb === undefined) return [approval]
  const why = `the prompt asks to ${verb.replaceAll('_', ' ')}`
  const { mentions } = room
  const count: Caveat = { kind: 'count', max: Math.max(COUNT_FLOOR, room.prompt.names) }
  const every = tool.parameters.map(({ name }) => name)
  const targets = room.everything ? every : targetsOf(tool).map(({ name }) => name)
  // What is told nothing could do anything: a person is asked.
  if (tool.parameters.length === 0) return [approval]
  const requests = anchorsOf(tool).map((anchor) =>
    grantOf(tool, {
      source: 'request',
      on: anchor.name,
      mentions,
      caveats: [shapeOf(tool, [anchor]), ...trusted(targets), count],
      why: `${why}, and the call names its ${anchor.name}`,
    }),
  )
  const word = wordOf(tool)
  const said = word === undefined || room.everything ? every : saidOf(tool)
  const spelled = grantOf(tool, {
    source: 'spelled',
    mentions,
    caveats: [
      shapeOf(tool, word === undefined ? tool.parameters : [word]),
      ...trusted(said),
      count,
    ],
    why: `${why}, and the call has no words that the prompt has not`,
  })
  return [...requests, spelled, approval]
}

const targetsOf = (tool: ReadTool): readonly Parameter[] =>
  tool.parameters.filter(({ role }) => role === 'target')

/** What a call can hang on: a target that is more than a choice. */
const anchorsOf = (tool: ReadTool): readonly Parameter[] =>
  targetsOf(tool).filter(({ isChoice }) => !isChoice)

/** What a call without a target can hang on: words that it cannot do without. */
const wordOf = (tool: ReadTool): Parameter | undefined =>
  tool.parameters.find(({ role, isRequired }) => role === 'text' && isRequired)

/** All but how much and when. */
const saidOf = (tool: ReadTool): readonly string[] =>
  tool.parameters.filter(({ role }) => role === 'target' || role === 'text').map(({ name }) => name)

const trusted = (names: readonly string[]): readonly Caveat[] =>
  Array.from({ length: Math.ceil(names.length / CAVEAT_PATHS_MAX) }, (_, part) => ({
    kind: 'trusted',
    paths: names.slice(part * CAVEAT_PATHS_MAX, (part + 1) * CAVEAT_PATHS_MAX).map(pathOf),
  }))

/**
 * Nothing but the parameters that are known, of the types their roles are read from; and the one
 * it hangs on is there and not empty, or one of all.
 */
function shapeOf(tool: ReadTool, anchors: readonly Parameter[]): Caveat {
  const properties = Object.fromEntries(
    tool.parameters.map(({ name, role }) => [name, TYPES[role]]),
  )
  const given = anchors.map(({ name }) => ({ properties: { [name]: GIVEN }, required: [name] }))
  const schema = { type: 'object', properties, additionalProperties: false, anyOf: given }
  return { kind: 'arguments', schema }
}

const GIVEN: JsonObject = { not: { enum: [null, '', []] } }

const TYPES: Readonly<Record<ParameterRole, JsonObject>> = {
  target: {},
  text: { type: ['string', 'null'] },
  time: { type: ['string', 'null'], maxLength: TIME_CHARS_MAX },
  quantity: { type: ['number', 'null'] },
}

interface GrantInit {
  readonly source: TaskGrant['source']
  readonly on?: string
  readonly mentions?: readonly string[]
  readonly caveats: readonly Caveat[]
  readonly why: string
}

function grantOf(tool: ReadTool, { source, on, mentions, caveats, why }: GrantInit): TaskGrant {
  return Object.freeze({
    key: [source, tool.name, ...(on === undefined ? [] : [on])].join(':'),
    source,
    tool: tool.name,
    actions: [tool.acts ? TASK_ACTIONS.act : TASK_ACTIONS.observe],
    resource: { kind: 'task-tool', tool: tool.name, mentions: mentions ?? 'any' },
    caveats,
    label: `${tool.name}: ${why}`.slice(0, 512),
  })
}

interface CallInit {
  readonly args: JsonObject
  readonly context: Label
}

function readCall(room: Room, tool: ReadTool, { args, context }: CallInit): TaskCall {
  const { readers } = context
  const named: Label = { sources: [], readers }
  const unnamed: Label = { sources: [...new Set([...context.sources, UNNAMED])].sort(), readers }
  const labels: [pointer: string, label: Label][] = [['', unnamed]]
  const mentions = new Set<string>()
  for (const [name, value] of Object.entries(args)) {
    const parameter = tool.parameters.find((each) => each.name === name)
    const isByPrompt = parameter !== undefined && isNamed(room.prompt, value, parameter)
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
