/** The peers of P1: prepared statements of a frozen SQL file, in one transaction per batch. */
import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { Row } from './workload.ts'

/** A peer by the name of its file. */
export type Peer = 'floor' | 'bare'

/** Inserts a round's rows. @returns events a second */
export function runPeer(peer: Peer, path: string, rows: readonly Row[], batch: number): number {
  const sql = sections(peer)
  const db = new Database(path)
  try {
    db.exec(sql('file'))
    const begin = db.prepare(sql('begin'))
    const insert = db.prepare<unknown[]>(sql('insert'))
    const commit = db.prepare(sql('commit'))
    const started = performance.now()
    for (let from = 0; from < rows.length; from += batch) {
      begin.run()
      const to = Math.min(from + batch, rows.length)
      for (let i = from; i < to; i += 1) {
        const { stream, version, bytes, hash } = rows[i] as Row
        if (peer === 'floor') insert.run(i + 1, stream, version, 1, bytes, hash)
        else insert.run(i + 1, bytes)
      }
      commit.run()
    }
    return (rows.length / (performance.now() - started)) * 1000
  } finally {
    db.close()
  }
}

/** The statements below `-- <name>` of the peer's file. */
function sections(peer: Peer): (name: string) => string {
  const text = readFileSync(new URL(`./${peer}.sql`, import.meta.url), 'utf8')
  const parts = new Map(
    text
      .split(/^-- (?=\w+$)/m)
      .slice(1)
      .map((part): [string, string] => {
        const end = part.indexOf('\n')
        return [part.slice(0, end), part.slice(end + 1).trim()]
      }),
  )
  return (name) => parts.get(name) ?? ''
}
