/**
 * The grants of a task: for each tool what it may do unasked, and what a person is asked about.
 *
 * All that the rule wants of a call stands in its grant, for the kernel to judge: which arguments
 * are trusted, what shape they have, what they may mention, how often.
 */
import type { Caveat } from '@ice/capabilities/ports'
import type { JsonObject } from '@ice/primitives'
import { CAVEAT_PATHS_MAX, COUNT_FLOOR, TIME_CHARS_MAX } from './limits.ts'
import type { TaskGrant } from './ports.ts'
import { anchorsOf, pathOf, type Room, TASK_ACTIONS, targetsOf } from './room.ts'
import type { Parameter, ParameterRole, ReadTool } from './tools.ts'

/** The grants for one tool. */
export function grantsOf(room: Room, tool: ReadTool): readonly TaskGrant[] {
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
  const asked = room.asked.get(tool.name)
  if (asked === undefined) return [approval]
  const why = `the prompt asks to ${asked.verb.replaceAll('_', ' ')}`
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
