/// <reference lib="es2024.string" />
/**
 * The resource kind `fs`: files below a root.
 *
 *     resource = { kind: "fs", root, [ within: [ path, … ] ] }
 *     claim    = { path }                      ; relative to the root
 *     root     = "/" [ path ]  |  DRIVE ":/" [ path ]
 *     path     = segment *( "/" segment )  |  "."         ; "." alone is the root itself
 *
 * 1. Rules are lexical: the same answer on every machine, whatever is on its disk. That no link
 *    leads out of the root is for the handler, which opens segment by segment.
 * 2. There is no `..`, no empty segment and no backslash: a path has one spelling and climbs
 *    nowhere. Below a root with a drive, what Windows takes for a drive or a device is refused;
 *    below any other, `aux.c` and `c:a` are files like others. The root decides, not the machine
 *    that judges, so the answer is the same everywhere.
 * 3. Prefixes are compared segment by segment: `src` holds `src/a` and not `srcret`.
 * 4. A claim is relative to the root of the grant it names, so all links of a chain have one root;
 *    what narrows is `within`.
 *
 * The trap: joining first and comparing afterwards, where `a/../../b` begins with the root.
 */
import type { JsonObject } from '@ice/primitives'
import { PATH_BYTES_MAX, PATH_SEGMENT_BYTES_MAX, RESOURCE_ENTRIES_MAX } from './limits.ts'
import { hasOnly, own } from './plain.ts'
import type { Resource, ResourceKind } from './ports.ts'
import { shown, shownList } from './text.ts'

/** The resource of a grant on files. */
export type FsResource = {
  readonly kind: 'fs'
  /** An absolute path in normal form, with `/` between segments. */
  readonly root: string
  /** Paths relative to the root that the grant is limited to. @defaultValue the whole root */
  readonly within?: readonly string[]
}

const DEVICE =
  /(?:^|\/)(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(?:[.:][^/]*)?(?:\/|$)/iu
const DRIVE = /^[A-Za-z]:/

/** Whether a segment of a path, from `start` to `end`, is none: empty, `.` or `..`. */
function isNoSegment(path: string, start: number, end: number): boolean {
  const length = end - start
  if (length === 0) return true
  if (length > 2 || path.charCodeAt(start) !== 46) return false
  return length === 1 || path.charCodeAt(start + 1) === 46
}

function segmentFault(path: string): string | undefined {
  let start = 0
  for (;;) {
    const slash = path.indexOf('/', start)
    const end = slash < 0 ? path.length : slash
    if (isNoSegment(path, start, end)) {
      return `the path ${shown(path)} has an empty segment, "." or ".."`
    }
    // A UTF-16 unit is at most three bytes of UTF-8: most segments need no count.
    if ((end - start) * 3 > PATH_SEGMENT_BYTES_MAX) {
      if (Buffer.byteLength(path.slice(start, end)) > PATH_SEGMENT_BYTES_MAX) {
        return `a segment of ${shown(path)} is longer than ${PATH_SEGMENT_BYTES_MAX} bytes`
      }
    }
    if (slash < 0) return undefined
    start = slash + 1
  }
}

/** What no path of ours holds, wherever it begins. */
function characterFault(path: string): string | undefined {
  if (path.length > PATH_BYTES_MAX) return `a path has at most ${PATH_BYTES_MAX} bytes`
  if (!path.isWellFormed()) return `the path ${shown(path)} is not well-formed Unicode`
  if (path.length * 3 > PATH_BYTES_MAX && Buffer.byteLength(path) > PATH_BYTES_MAX) {
    return `a path has at most ${PATH_BYTES_MAX} bytes`
  }
  if (path.includes('\0')) return `the path ${shown(path)} holds a NUL`
  if (path.includes('\\')) return `the path ${shown(path)} holds a backslash; segments part at "/"`
  return undefined
}

/**
 * Why this is not a relative path in normal form, or `undefined`. Pure and total.
 *
 * Accepts `.` alone, for the root itself.
 *
 * @param root - the root it is relative to; one with a drive has the rules of Windows
 */
export function relativePathFault(path: unknown, root?: unknown): string | undefined {
  if (typeof path !== 'string') return `a path is text, not ${shown(path)}`
  if (path === '.') return undefined
  const fault = characterFault(path)
  if (fault !== undefined) return fault
  const windows = typeof root === 'string' && DRIVE.test(root)
  if (path.charCodeAt(0) === 47 || (windows && DRIVE.test(path))) {
    return `the path ${shown(path)} is absolute; claims are relative to the root of the grant`
  }
  if (windows && DEVICE.test(path)) return `the path ${shown(path)} names a device of Windows`
  return segmentFault(path)
}

/** Why this is not an absolute path in normal form, or `undefined`. Pure and total. */
export function rootFault(root: unknown): string | undefined {
  if (typeof root !== 'string') return `"root" is a path, not ${shown(root)}`
  const fault = characterFault(root)
  if (fault !== undefined) return fault
  const drive = DRIVE.test(root) ? 2 : 0
  if (root.charCodeAt(drive) !== 47) return `the root ${shown(root)} is not absolute`
  const rest = root.slice(drive + 1)
  return rest === '' ? undefined : segmentFault(rest)
}

function withinFault(within: unknown, root: unknown): string | undefined {
  if (!Array.isArray(within) || within.length === 0) return '"within" is a list of paths, not empty'
  if (within.length > RESOURCE_ENTRIES_MAX) {
    return `"within" has more than ${RESOURCE_ENTRIES_MAX} paths`
  }
  for (const path of within) {
    const fault = relativePathFault(path, root)
    if (fault !== undefined) return fault
    if (path === '.') return '"within" holds "."; leave it out to grant the whole root'
  }
  return undefined
}

/** Whether `path` is `prefix` or below it, segment by segment. */
function isWithin(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false
  return path.length === prefix.length || path.charCodeAt(prefix.length) === 47
}

/** The prefixes of a checked resource; `undefined` for the whole root. */
function withinOf(resource: Resource): readonly string[] | undefined {
  return own(resource, 'within') as readonly string[] | undefined
}

/** The kind `fs`; state-less and frozen. */
export const fsKind: ResourceKind = Object.freeze({
  kind: 'fs',

  checkResource(resource: Resource): string | undefined {
    if (!hasOnly(resource, ['kind', 'root', 'within'])) {
      return 'an "fs" resource has the members kind, root and within'
    }
    const root = own(resource, 'root')
    const fault = rootFault(root)
    if (fault !== undefined) return fault
    return Object.hasOwn(resource, 'within')
      ? withinFault(own(resource, 'within'), root)
      : undefined
  },

  refuses(resource: Resource, _action: string, claim: JsonObject): string | undefined {
    if (!hasOnly(claim, ['path'])) return 'a claim on "fs" is { path }'
    const path = own(claim, 'path')
    const fault = relativePathFault(path, own(resource, 'root'))
    if (fault !== undefined) return fault
    const within = withinOf(resource)
    if (within === undefined || within.some((prefix) => isWithin(path as string, prefix))) {
      return undefined
    }
    return `the path ${shown(path)} is not within ${shownList(within)}`
  },

  exceeds(parent: Resource, child: Resource): string | undefined {
    const [parentRoot, childRoot] = [own(parent, 'root'), own(child, 'root')]
    if (parentRoot !== childRoot) {
      return `the root is ${shown(parentRoot)}, not ${shown(childRoot)}; narrow it by "within"`
    }
    const held = withinOf(parent)
    if (held === undefined) return undefined
    const asked = withinOf(child)
    if (asked === undefined) return `the whole root is more than ${shownList(held)}`
    const over = asked.filter((path) => !held.some((prefix) => isWithin(path, prefix)))
    return over.length === 0 ? undefined : `${shownList(over)} is not within ${shownList(held)}`
  },
})
