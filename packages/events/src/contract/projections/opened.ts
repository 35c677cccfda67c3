/** A case of a store of projections: opened for it, and closed again whatever happens. */

import { ok } from 'node:assert/strict'
import type { ContractCase } from '../case.ts'

/** What a case works with. */
export interface Opened<Subject> {
  readonly subject: Subject
  /** A second connection; closed with the first. */
  second(): Promise<Subject>
  /** Takes the place of `subject`. */
  reopen(): Promise<Subject>
}

/** What a case is made of. */
export interface OpenedCaseInit<Subject> extends Omit<ContractCase<Subject>, 'run'> {
  readonly test: (opened: Opened<Subject>) => Promise<void>
}

/** Makes a case that opens a subject, works with it and closes it. */
export function openedCase<Subject>({
  test,
  ...about
}: OpenedCaseInit<Subject>): ContractCase<Subject> {
  return {
    ...about,
    async run(harness) {
      const first = await harness.open()
      const all = [first]
      const opened: Opened<Subject> = {
        get subject() {
          return all[0] as Subject
        },
        async second() {
          ok(harness.openSecond, 'what supports.sharedByProcesses needs harness.openSecond')
          const second = await harness.openSecond(all[0] as Subject)
          all.push(second)
          return second
        },
        async reopen() {
          ok(harness.reopen, 'what supports.durable needs harness.reopen')
          all[0] = await harness.reopen(all[0] as Subject)
          return all[0]
        },
      }
      try {
        await test(opened)
      } finally {
        for (const subject of all.reverse()) await harness.close(subject)
      }
    },
  }
}
