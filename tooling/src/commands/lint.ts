/** `npm run lint`: the tools alone, without building or testing. */
import { projectRoot } from '../lib/house.ts'
import { held, sum } from '../test-run/tally.ts'
import { runTools } from '../test-run/tools.ts'

const total = sum(await runTools(projectRoot))
process.exitCode = held({ ...total, tests: 1 }) ? 0 : 1
