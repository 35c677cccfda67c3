/**
 * The adversary of the rename race, as a process of its own: swaps what a name leads to, without a
 * pause, until it is killed, its parent is gone, or two hours have passed.
 *
 *     node rename-swapper.ts <root> <outside> <pid of the parent>
 *
 * `door` is a directory of the root or a link to the one outside, `leaf` a file of the root or a
 * link to one outside.
 */
import { renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

const [root = '', outside = '', parent = ''] = process.argv.slice(2)
// Told and not asked: a parent that died while this process started would be taken for its heir.
const isWanted = (): boolean => String(process.ppid) === parent && performance.now() < 7_200_000

/** The other side makes, replaces and deletes meanwhile: what it was quicker at is left to it. */
const unless = (codes: readonly string[], act: () => void): void => {
  try {
    act()
  } catch (error) {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

const swap = (name: string, target: string): void => {
  const [place, shelf] = [join(root, name), join(root, `.${name}`)]
  renameSync(place, shelf)
  unless(['EEXIST'], () => symlinkSync(target, place))
  unless(['ENOENT'], () => unlinkSync(place))
  renameSync(shelf, place)
}

process.stdout.write('swapping\n')
for (let turn = 0; isWanted(); turn += 1) {
  // Both kinds of link, because they are refused at different places.
  swap('door', turn % 2 === 0 ? '../outside' : outside)
  swap('leaf', turn % 2 === 0 ? '../outside/leaf' : join(outside, 'leaf'))
}
