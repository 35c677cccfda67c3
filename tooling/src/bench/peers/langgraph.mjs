/** LangGraph with its SQLite saver: a checkpoint after each node, before the next begins. */
import { join } from 'node:path'
// @boundaries-ignore it is installed on demand, outside of the repository
import { Annotation, END, START, StateGraph } from '@langchain/langgraph'
// @boundaries-ignore it is installed on demand, outside of the repository
import { SqliteSaver } from '@langchain/langgraph-checkpoint-sqlite'

/** @param {{ folder: string }} place */
export async function open({ folder }) {
  const state = Annotation.Root({ id: Annotation() })
  const echo = (id) => async () => ({ id })
  const graph = new StateGraph(state)
    .addNode('a', echo('a'))
    .addNode('b', echo('b'))
    .addNode('c', echo('c'))
    .addEdge(START, 'a')
    .addEdge('a', 'b')
    .addEdge('b', 'c')
    .addEdge('c', END)
    .compile({ checkpointer: SqliteSaver.fromConnString(join(folder, 'langgraph.db')) })
  let threads = 0
  return {
    async once() {
      threads += 1
      const configurable = { thread_id: `${threads}` }
      const { id } = await graph.invoke({ id: '' }, { configurable, durability: 'sync' })
      return id === 'c' ? 'done' : id
    },
    close: async () => undefined,
  }
}
