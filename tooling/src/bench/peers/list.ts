/**
 * The peers: what somebody would take instead, in exact versions, never a dependency of ours.
 *
 * Each does the same job in its own terms: three steps one after another, each an async function
 * that does nothing, each result kept before the next step begins. An adapter is a file of this
 * folder; it is copied beside the packages it needs, and opened there.
 */

/** A peer, and what it takes to have it. */
export interface Peer {
  /** As `ICE_BENCH_PEERS` names it. */
  readonly name: string
  readonly adapter: URL
  /** As the table names it. */
  readonly title: string
  /** Exact versions. */
  readonly packages: Readonly<Record<string, string>>
  /** Versions that something the packages need is held to, and why. */
  readonly overrides?: Readonly<Record<string, string>>
  /** Whether it works on a PostgreSQL. */
  readonly postgres?: true
  readonly env?: Readonly<Record<string, string>>
}

export const PEERS: readonly Peer[] = [
  {
    name: 'mastra',
    adapter: new URL('./mastra.mjs', import.meta.url),
    title: 'Mastra 1.71.0, libSQL',
    packages: {
      '@libsql/client': '0.18.0',
      '@mastra/core': '1.71.0',
      '@mastra/libsql': '1.23.1',
      zod: '4.6.7',
    },
    env: { MASTRA_TELEMETRY_DISABLED: '1' },
  },
  {
    name: 'langgraph',
    adapter: new URL('./langgraph.mjs', import.meta.url),
    title: 'LangGraph 1.7.3, SQLite saver',
    packages: {
      '@langchain/core': '1.4.0',
      '@langchain/langgraph': '1.7.3',
      '@langchain/langgraph-checkpoint': '1.2.2',
      '@langchain/langgraph-checkpoint-sqlite': '1.0.4',
      'better-sqlite3': '13.2.0',
      zod: '4.6.7',
    },
    // The one the saver asks for has to be compiled; this one brings its binaries.
    overrides: { 'better-sqlite3': '13.2.0' },
  },
  {
    name: 'dbos',
    adapter: new URL('./dbos.mjs', import.meta.url),
    title: 'DBOS 5.3.0, PostgreSQL',
    packages: { '@dbos-inc/dbos-sdk': '5.3.0' },
    postgres: true,
  },
  {
    name: 'restate',
    adapter: new URL('./restate.mjs', import.meta.url),
    title: 'Restate 1.7.12',
    packages: {
      '@restatedev/restate-sdk': '1.17.2',
      '@restatedev/restate-sdk-clients': '1.17.2',
      '@restatedev/restate-server': '1.7.12',
    },
    env: { RESTATE_LOGGING: 'ERROR' },
  },
]

/**
 * The peers that are wanted: those `ICE_BENCH_PEERS` names, or all.
 * @throws {TypeError} for a name that is none of theirs
 */
export function chosenPeers(names = process.env['ICE_BENCH_PEERS']): readonly Peer[] {
  if (names === undefined) return PEERS
  const wanted = names.split(',').filter((name) => name !== '')
  const unknown = wanted.filter((name) => !PEERS.some((peer) => peer.name === name))
  if (unknown.length > 0) {
    const known = PEERS.map(({ name }) => name).join(', ')
    throw new TypeError(`ICE_BENCH_PEERS names ${unknown.join(', ')}; there are: ${known}`)
  }
  return PEERS.filter(({ name }) => wanted.includes(name))
}
