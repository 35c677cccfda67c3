/** Owns until it is killed; says its name. */
import { openOwnership } from '../../src/index.ts'
import { say } from './say.ts'

const [directory = ''] = process.argv.slice(2)
const ownership = openOwnership({ directory })
say({ self: ownership.self })
process.stdin.on('end', () => {
  void ownership.close().then(() => process.exit(0))
})
process.stdin.resume()
