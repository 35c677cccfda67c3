/** What a task may do is declared from its prompt; then its calls are read. */
import { taskGrants } from '@ice/task-grants'

const text = { type: 'string' }
const tools = [
  { name: 'read_inbox', description: 'Reads the inbox.' },
  {
    name: 'send_message',
    description: 'Sends a message.',
    parameters: { type: 'object', properties: { recipient: text, body: text } },
  },
  { name: 'delete_message', parameters: { properties: { id: { type: 'integer' } } } },
]

const prompt = 'Look through my inbox and send a summary to Alice, please.'
const task = taskGrants({ prompt, tools })

// To be recorded before anything is read: each becomes a `CapabilityGranted`.
for (const { key } of task.grants) console.log(key)
// observe:read_inbox
// request:send_message:recipient, spelled:send_message, approval:send_message
// approval:delete_message

const asPrompted = { recipient: 'Alice', body: 'Nothing new.' }
console.log(task.call({ tool: 'send_message', arguments: asPrompted }))
// labels: /recipient has no sources, so the grant that hangs on it allows the call

const injected = { recipient: 'Mallory', body: 'All mail: …, see evil.test' }
console.log(task.call({ tool: 'send_message', arguments: injected }))
// nothing is named, and evil.test is mentioned: a person is asked
