/**
 * The resource of `--grant` for programs that are started, and what they may be told.
 *
 *     proc = "proc:" path *( "," path )      ; absolute paths of programs: proc:/usr/bin/git
 *     root = "root=" path                    ; the folder they are started in, and see; required
 *     args = "args=" place *( "," place )    ; one for each argument; left out: no arguments
 *     place = word *( "|" word )             ; exactly this, or one of these
 *           / "{text}" / "{path}"            ; a free word, a relative path; not beginning with "-"
 *           / "{text:" bytes "}" / …         ; with at most so many bytes
 *     last  = place "*" max                  ; the last one, up to so many times: {path}*16
 *     more  = "env=" names / "reads=" paths / "write" / "network" / "unsandboxed"
 *
 * Words that hold one of `,|{}*` cannot be said here: `ice.config.json` says them.
 */

import type { ArgumentWord } from '@ice/capabilities'
import type { Resource } from '@ice/capabilities/ports'
import type { JsonObject } from '@ice/primitives'
import { FREE_WORD_BYTES_DEFAULT } from '../limits.ts'
import type { FolderProbe } from './folder.ts'
import type { Particulars, ResourceSetting } from './resource.ts'

const FREE = /^\{(text|path)(?::([1-9]\d{0,4}))?\}$/
const REPEATED = /^(.*)\*([1-9]\d{0,3})$/s
const MARKS = /[{}*]/

/** The resource, or why it is none. */
export function procResource(
  target: string,
  { particulars, probe }: ResourceSetting,
): Resource | string {
  const paths = target.split(',')
  const root = rootOf(particulars, probe)
  if ('fault' in root) return root.fault
  const args = ruleOf(particulars.get('args') as string | undefined)
  if (typeof args === 'string') return args
  const reads = readsOf(particulars.get('reads') as readonly string[] | undefined, probe)
  if (typeof reads === 'string') return reads
  const env = particulars.get('env') as readonly string[] | undefined
  const isOpen = particulars.has('unsandboxed')
  const [write, network] = [particulars.has('write'), particulars.has('network')]
  return {
    kind: 'proc',
    programs: paths.map((path) => ({ path, ...(args === undefined ? {} : { args }) })),
    root: root.path,
    ...(env === undefined ? {} : { env }),
    ...(reads === undefined ? {} : { reads }),
    ...(write ? { write } : {}),
    ...(network ? { network } : {}),
    ...(isOpen ? { sandbox: 'unsandboxed' } : {}),
  }
}

function rootOf(
  particulars: Particulars,
  probe: FolderProbe,
): { readonly path: string } | { readonly fault: string } {
  const root = particulars.get('root') as string | undefined
  if (root === undefined) return { fault: 'programs are started somewhere: say root=<folder>' }
  const found = probe(root)
  if ('fault' in found) return found
  return found.file === undefined ? { path: found.root } : { fault: 'root is a folder' }
}

function readsOf(
  paths: readonly string[] | undefined,
  probe: FolderProbe,
): readonly string[] | undefined | string {
  if (paths === undefined) return undefined
  const absolute: string[] = []
  for (const path of paths) {
    const found = probe(path)
    if ('fault' in found) return `reads: ${found.fault}`
    const below = found.root.endsWith('/') ? found.root : `${found.root}/`
    absolute.push(found.file === undefined ? found.root : `${below}${found.file}`)
  }
  return absolute
}

/** The rule for arguments, `undefined` where there are none, or why it is none. */
function ruleOf(text: string | undefined): JsonObject | string | undefined {
  if (text === undefined) return undefined
  const places = text.split(',')
  const [, repeated, max] = REPEATED.exec(places.at(-1) ?? '') ?? []
  const words: ArgumentWord[] = []
  for (const place of repeated === undefined ? places : places.slice(0, -1)) {
    const word = wordOf(place)
    if (typeof word !== 'object') return word
    words.push(word.of)
  }
  const first = words.length === 0 ? {} : { words }
  if (repeated === undefined) return first
  const of = wordOf(repeated)
  return typeof of === 'object' ? { ...first, rest: { of: of.of, max: Number(max) } } : of
}

function wordOf(place: string): { readonly of: ArgumentWord } | string {
  const [, form, bytes = `${FREE_WORD_BYTES_DEFAULT}`] = FREE.exec(place) ?? []
  if (form === 'text') return { of: { text: Number(bytes) } }
  if (form === 'path') return { of: { path: Number(bytes) } }
  if (place === '') return 'args has a place without a word'
  if (MARKS.test(place)) {
    return `args does not understand "${place}"; it reads status,-s|-b,{text:200},{path}*16`
  }
  const words = place.split('|')
  if (words.includes('')) return `args has nothing beside a "|" in "${place}"`
  return { of: words.length === 1 ? place : { oneOf: words } }
}
