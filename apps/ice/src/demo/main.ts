/** The demonstration as a process of its own; `demo` starts it. */

import { demonstrate } from './demonstrate.ts'

process.exitCode = await demonstrate(process.argv.slice(2))
