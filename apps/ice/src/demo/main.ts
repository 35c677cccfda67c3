/** The door of the demonstration: what `npm start` starts. */

import { demo } from './index.ts'

process.exitCode = await demo(process.argv.slice(2))
