/** Which anchor this machine has, and what it promises. */

import type { Anchor, Containment } from './anchor.ts'
import { checkedAnchor } from './anchor-checked.ts'
import { isProcUsable, procAnchor } from './anchor-proc.ts'
import { EFFECTS_CODES, EffectsError } from './errors.ts'

/** How the file effects are made. */
export interface FileSystemOptions {
  /**
   * `anchored` refuses to work on a machine that has no anchors; `checked` takes the weaker
   * confinement even where there is a stronger one.
   *
   * @defaultValue the strongest this machine has
   */
  readonly containment?: Containment
  /**
   * How large a file that is changed or deleted may be for its content to be kept in the log, so
   * that the change can be undone. A change of a larger one cannot.
   *
   * @defaultValue `KEPT_BYTES_MAX`, which is also the most
   * @units bytes
   */
  readonly keptBytesMax?: number
}

/** What the file effects promise on this machine. */
export interface FileSystemDescription {
  /** `anchored`: no rename lets a call leave its root. `checked`: one at the right moment can. */
  readonly containment: Containment
  /** Whether all that is promised on Linux is promised here. */
  readonly guaranteed: boolean
  /** The promise in a sentence. */
  readonly note: string
}

/**
 * The anchor of this machine.
 *
 * @throws {EffectsError} `ICE_EFFECTS_PLATFORM_UNSUPPORTED` — `anchored` is wanted and impossible
 */
export function anchorOf({ containment }: FileSystemOptions): Anchor {
  if (containment !== 'checked' && isProcUsable()) return procAnchor
  if (containment === 'anchored') {
    throw new EffectsError(
      EFFECTS_CODES.platform,
      'Files can be anchored only on Linux with /proc mounted, which this machine is not',
    )
  }
  return checkedAnchor
}

/** Says what the file effects promise here; for `describe` and `doctor`. */
export function describeFileSystem(options: FileSystemOptions = {}): FileSystemDescription {
  const { containment } = anchorOf(options)
  const guaranteed = containment === 'anchored'
  const note = guaranteed
    ? 'Each step of a path is taken on a directory that is held open: no rename leads out.'
    : 'Paths are resolved, opened and checked again: whoever renames in between can lead out.'
  return { containment, guaranteed, note }
}
