/** The README's example, on a server. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { describeOnServer, server } from './server.ts'

const EXAMPLE = fileURLToPath(new URL('../examples/01_append.ts', import.meta.url))

/** Verifies: EPG-R18 */
describeOnServer('the example', () => {
  it('runs twice on one database', () => {
    for (let round = 0; round < 2; round += 1) {
      const env = { ...process.env, DATABASE_URL: server.url }
      const { status, stdout, stderr } = spawnSync(process.execPath, [EXAMPLE], { env })
      expect([status, String(stderr)]).toEqual([0, ''])
      const lines = String(stdout).trim().split('\n')
      const positions = [1, 2, 3].map((n) => n + 3 * round)
      expect(lines.map((line) => line.slice(0, 13))).toEqual(
        positions.map((position) => `${position} TaskStarted`),
      )
    }
  })
})
