/** Tools of products of our own making, and what tests ask of a task. */
import type { JsonObject } from '@ice/primitives'
import { taskGrants } from '../src/index.ts'
import type { Task, TaskInit, TaskTool } from '../src/ports.ts'

type Properties = Readonly<Record<string, JsonObject>>

/** A tool whose parameters are all required but for those with a default. */
export const tool = (name: string, description: string, properties: Properties = {}): TaskTool => ({
  name,
  description,
  parameters: {
    type: 'object',
    properties,
    required: Object.keys(properties).filter(
      (key) => !Object.hasOwn(properties[key] ?? {}, 'default'),
    ),
  },
})

const text = { type: 'string' }
const number = { type: 'number' }
const id = { type: 'integer', description: 'ID' }

export const crm: readonly TaskTool[] = [
  tool('find_customers', 'Finds customers by a query.', { query: text }),
  tool('get_invoice', 'Gets an invoice.', { invoice_id: id }),
  tool('sendInvoice', 'Sends an invoice to a customer.', {
    invoice_id: id,
    email: text,
    note: text,
  }),
  tool('delete_customer', 'Deletes a customer.', { customer_id: id }),
  tool('issue_refund', 'Refunds a payment.', { account: text, amount: number, reason: text }),
  tool('open_page', 'Opens a page on the web.', { url: { type: 'string', format: 'uri' } }),
  tool('fetch_page', 'Fetches a page.', { url: { type: 'string', format: 'uri' } }),
]

export const calendar: readonly TaskTool[] = [
  tool('list_events', 'Lists the events of a day.', { day: text }),
  tool('create_event', 'Creates an event.', {
    title: text,
    start_time: text,
    end_time: text,
    guests: { type: 'array', items: text, default: null },
  }),
  tool('cancel_event', 'Cancels an event.', { event_id: text }),
  tool('post_to_channel', 'Posts a message to a channel.', { channel: text, message: text }),
  tool('message_user', 'Messages a user.', { user: text, body: text }),
]

export const home: readonly TaskTool[] = [
  tool('lights.get', 'Tells which lights are on.'),
  tool('lights.dim', 'Dims the lights of a room.', { room: text, brightness: number }),
  tool('thermostat_set', 'Sets the temperature.', { temperature: number }),
  tool('door_unlock', 'Unlocks a door.', { door: { type: 'string', enum: ['front', 'garage'] } }),
]

export const shell: readonly TaskTool[] = [
  tool('read_file', 'Reads a file.', { path: text }),
  tool('delete_file', 'Deletes a file.', {
    path: text,
    force: { type: 'boolean', default: false },
  }),
  tool('run_command', 'Runs a command.', { command: text }),
]

/** A task of a prompt. */
export const taskOf = (
  prompt: string,
  tools: readonly TaskTool[],
  naming?: TaskInit['naming'],
): Task => taskGrants({ prompt, tools, ...(naming === undefined ? {} : { naming }) })

/** The arguments that the prompt names. */
export const namedIn = (task: Task, name: string, args: JsonObject): readonly string[] =>
  Object.keys(task.call({ tool: name, arguments: args }).labels)
    .filter((pointer) => pointer !== '')
    .map((pointer) => pointer.slice(1))

/** The tools that a prompt asks for. */
export const askedIn = (prompt: string, tools: readonly TaskTool[]): readonly string[] => [
  ...new Set(
    taskOf(prompt, tools)
      .grants.filter(({ source }) => source === 'request' || source === 'spelled')
      .map((grant) => grant.tool),
  ),
]
