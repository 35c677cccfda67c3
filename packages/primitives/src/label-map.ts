/**
 * Labels of the parts of one JSON value, by JSON pointer, as coarse or as fine as they are known.
 *
 * What stands at a pointer has the label of that pointer, or of its nearest ancestor that has one,
 * joined with the labels of all that lie below it: a list is as little trusted as its least
 * trusted entry. With none at the pointer and none above it nothing is known.
 */
import { joinLabels, type Label, readLabel, UNKNOWN_LABEL } from './label.ts'
import { LABELLED_PATHS_MAX } from './limits.ts'
import { readPointer } from './pointer.ts'

/** One labelled part: the steps of its pointer, and its label. */
export interface PathLabel {
  readonly path: readonly string[]
  readonly label: Label
}

/**
 * Labels from whatever was handed in: `{ '': label, '/to': label }`. `undefined` when they are
 * none in some part, or too many: then nothing is known of any part. What a getter or a proxy
 * throws passes through.
 */
export function readLabels(labels: unknown): readonly PathLabel[] | undefined {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return undefined
  const pointers = Object.keys(labels)
  if (pointers.length > LABELLED_PATHS_MAX) return undefined
  const read: PathLabel[] = []
  for (const pointer of pointers) {
    const path = readPointer(pointer)
    const label = readLabel((labels as Readonly<Record<string, unknown>>)[pointer])
    if (path === undefined || label === undefined) return undefined
    read.push({ path, label })
  }
  return read
}

/** The label of what stands at a pointer. */
export function labelAt(labels: readonly PathLabel[], path: readonly string[]): Label {
  let above: PathLabel | undefined
  const below: Label[] = []
  for (const one of labels) {
    if (beginsWith(path, one.path)) {
      if (above === undefined || one.path.length > above.path.length) above = one
    } else if (beginsWith(one.path, path)) {
      below.push(one.label)
    }
  }
  return joinLabels(above?.label ?? UNKNOWN_LABEL, ...below)
}

/** Whether a path is this one or lies below it. */
export function beginsWith(path: readonly string[], beginning: readonly string[]): boolean {
  return beginning.length <= path.length && beginning.every((step, i) => step === path[i])
}
