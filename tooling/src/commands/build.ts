/** `npm run build`: compiles what changed. */
import { build } from '../lib/build.ts'
import { projectRoot } from '../lib/house.ts'

process.exitCode = (await build(projectRoot, 'show')).status
