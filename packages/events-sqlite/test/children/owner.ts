/** Owns until it is killed; says its name. */

// @boundaries-ignore a child runs without the test runner, which is what finds the tooling
import { say } from '../../../../tooling/src/lib/say.ts'
import { openOwnership } from '../../src/index.ts'

const [directory = ''] = process.argv.slice(2)
const ownership = openOwnership({ directory })
say({ self: ownership.self })
process.stdin.on('end', () => {
  void ownership.close().then(() => process.exit(0))
})
process.stdin.resume()
