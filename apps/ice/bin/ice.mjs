#!/usr/bin/env node
/**
 * The door of the command. It is plain JavaScript, so that a Node that is too old to read the rest
 * can still read this and say so; and it answers `--version` before anything is loaded.
 */
const [major, minor] = process.versions.node.split('.').map(Number)
const argv = process.argv.slice(2)

if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(
    `ice: Node 22.12 or later is needed, and this is ${process.version}: install a newer one\n`,
  )
  process.exitCode = 2
} else if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  const { readFileSync } = process.getBuiltinModule('node:fs')
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  process.stdout.write(`${JSON.parse(manifest).version}\n`)
} else {
  const { main } = await import('../dist/main.js')
  await main(argv)
}
