/** Folders for the tests of the survey, and what `find` and `wc` say of them. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An empty folder of its own. */
export function temporary(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'ice-survey-')))
}

/** A folder with everything that a folder can hold to make a survey stumble. */
export function oddFolder(): string {
  const root = temporary()
  const write = (path: string, content: string | Uint8Array): void =>
    writeFileSync(join(root, path), content)
  for (const folder of ['src/deep/er', 'docs', 'node_modules/x', '.git', 'empty', 'a b/ü']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  write('src/a.ts', '// TODO one\nlet x = 1 // FIXME two\n')
  write('src/deep/er/b.py', 'no newline at the end')
  write('src/deep/aux.c', 'a name that Windows gives to a device\n')
  write('docs/empty.md', '')
  write('docs/crlf.md', 'one\r\ntwo\r\n')
  write('LICENSE', 'SPDX-License-Identifier: MIT\n')
  write('package.json', '{"license":"MIT","dependencies":{"left-pad":"1"}}\n')
  write('run', '#!/usr/bin/env bash\necho hi\n')
  write('binary.bin', Buffer.from([0, 10, 10, 0, 255]))
  write('a b/ü/ñ.txt', 'Grüße\n')
  write('.hidden', 'hidden\n')
  write('back\\slash', 'x\n')
  write('node_modules/x/skipped.js', 'skipped\n')
  write('.git/skipped', 'skipped\n')
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]), 'latin\n')
  symlinkSync('src', join(root, 'link-to-directory'))
  symlinkSync('src/a.ts', join(root, 'link-to-file'))
  symlinkSync('/etc', join(root, 'link-outside'))
  symlinkSync('loop-b', join(root, 'loop-a'))
  symlinkSync('loop-a', join(root, 'loop-b'))
  symlinkSync('..', join(root, 'src', 'parent'))
  symlinkSync('nowhere', join(root, 'dangling'))
  execFileSync('mkfifo', [join(root, 'pipe')])
  return root
}

/** What other tools count in a folder, under the survey's rules. */
export function counted(root: string) {
  const prune = '\\( -name .git -o -name node_modules \\) -type d -prune -o'
  const shell = (command: string): number =>
    Number(execFileSync('sh', ['-c', command], { cwd: root, encoding: 'utf8' }))
  const entries = (kind: string): number => shell(`find . ${prune} -type ${kind} -printf x | wc -c`)
  const content = (option: string): number =>
    shell(`find . ${prune} -type f -print0 | xargs -0 -r cat | wc ${option}`)
  return {
    files: entries('f'),
    lines: content('-l'),
    bytes: content('-c'),
    directories: entries('d'),
    links: entries('l'),
    pipes: entries('p'),
  }
}
