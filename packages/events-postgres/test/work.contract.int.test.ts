/** What workers share in PostgreSQL is held to its kits: rows of the index, turns, leases. */
import {
  type KitCase,
  type KitHarness,
  ownershipCases,
  runKitCase,
  runRowsCases,
  turnsCases,
} from '@ice/runs/contract'
import type { Ownership, RunRows, Turns } from '@ice/runs/ports'
import { expect, test } from 'vitest'
import {
  openPostgresOwnership,
  openPostgresRunRows,
  openPostgresTurns,
  type PostgresWorkOptions,
} from '../src/index.ts'
import { describeOnServer, freshSchema, server } from './server.ts'

type Open<Subject> = (options: PostgresWorkOptions) => Promise<Subject>

function bind<Subject extends { close(): Promise<void> }>(
  cases: readonly KitCase<Subject>[],
  open: Open<Subject>,
): void {
  for (const one of cases) {
    test(`${one.requirement} ${one.name}`, async () => {
      const options = { connection: server.url, schema: freshSchema() }
      const again = () => open(options)
      const harness: KitHarness<Subject> = {
        open: again,
        openSecond: again,
        reopen: async (subject) => {
          await subject.close()
          return again()
        },
        close: (subject) => subject.close(),
      }
      expect(await runKitCase(one, harness)).toBe('passed')
    })
  }
}

describeOnServer('rows, turns and leases on a server', () => {
  bind(runRowsCases, openPostgresRunRows as Open<RunRows>)
  bind(turnsCases, openPostgresTurns as Open<Turns>)
  bind(ownershipCases, openPostgresOwnership as Open<Ownership>)
})
