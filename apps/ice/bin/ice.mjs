#!/usr/bin/env node
/**
 * The door of the command. It is plain JavaScript, so that a Node that is too old to read the rest
 * can still read this and say so; and it answers `--version` before anything is loaded.
 *
 * Behind it stands the bundle, where there is one that is newer than what it was made of, and
 * otherwise the modules themselves.
 */
const [major, minor] = process.versions.node.split('.').map(Number)
const argv = process.argv.slice(2)

if (major < 22 || (major === 22 && minor < 12)) {
  process.stderr.write(
    `ice: Node 22.12 or later is needed, and this is ${process.version}: install a newer one\n`,
  )
  process.exitCode = 2
} else {
  const { existsSync, readFileSync, statSync } = process.getBuiltinModule('node:fs')
  const at = (path) => new URL(path, import.meta.url)
  const { version } = JSON.parse(readFileSync(at('../package.json'), 'utf8'))
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`${version}\n`)
  } else {
    const stampFile = at('../dist/bundle/stamp.json')
    const stamp = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, 'utf8')) : null
    const isSame = ([path, time]) =>
      (statSync(at(path), { throwIfNoEntry: false })?.mtimeMs ?? time) === time
    const isBundled = stamp?.inputs.every(isSame) === true
    const folder = isBundled ? `../dist/bundle/${stamp.folder}` : '../dist'
    const shared = new Map(
      Object.entries(isBundled ? stamp.shared : {}).map(([name, file]) => [
        name,
        at(`${folder}/${file}`).href,
      ]),
    )
    const { main } = await import(at(`${folder}/main.js`).href)
    await main(argv, { version, home: import.meta.url, shared })
  }
}
