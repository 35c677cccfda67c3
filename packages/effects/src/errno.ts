/**
 * What the operating system says, as codes of ours.
 *
 * The trap: Node's own errors carry the path they were given, which here is the root of the grant
 * or the number of a descriptor. So an error of the system is never a cause: what is kept of it is
 * its name and the call it came from.
 */

import { EFFECTS_CODES, type EffectsCode, EffectsError } from './errors.ts'
import { shownPath } from './shown.ts'

const C = EFFECTS_CODES

/** Every errno that a call on files is documented to give. What is not here is unavailable. */
const CODES: Readonly<Record<string, readonly [EffectsCode, string]>> = {
  ENOENT: [C.notFound, 'is not there'],
  ENOTDIR: [C.notADirectory, 'has something on its way that is no directory'],
  EISDIR: [C.notAFile, 'is a directory'],
  EEXIST: [C.fileExists, 'is there already'],
  ENOTEMPTY: [C.fileExists, 'is a directory that is not empty'],
  ELOOP: [C.linkLimit, 'has too many links on its way'],
  ENAMETOOLONG: [C.pathLimit, 'is too long for this filesystem'],
  EILSEQ: [C.pathUnsupported, 'has a name that this filesystem does not take'],
  EINVAL: [C.pathUnsupported, 'is not taken by this filesystem'],
  EACCES: [C.permission, 'is closed to this process'],
  EPERM: [C.permission, 'is closed to this process'],
  EROFS: [C.permission, 'lies on a filesystem that is only read'],
  ENOTSUP: [C.platform, 'lies on a filesystem that cannot do this'],
  EOPNOTSUPP: [C.platform, 'lies on a filesystem that cannot do this'],
  ENOSYS: [C.platform, 'lies on a filesystem that cannot do this'],
  EXDEV: [C.platform, 'lies on another filesystem'],
  EMLINK: [C.platform, 'has more names than this filesystem allows'],
  EOVERFLOW: [C.outputLimit, 'is too large for this machine'],
  EFBIG: [C.inputLimit, 'would be too large for this filesystem'],
  ENOSPC: [C.unavailable, 'has no room: the disk is full'],
  EDQUOT: [C.unavailable, 'has no room: the quota is used up'],
  EIO: [C.unavailable, 'could not be reached: the device failed'],
  EMFILE: [C.unavailable, 'could not be opened: this process has no descriptors left'],
  ENFILE: [C.unavailable, 'could not be opened: this machine has no descriptors left'],
  ENOMEM: [C.unavailable, 'could not be opened: this machine has no memory left'],
  EAGAIN: [C.unavailable, 'is busy'],
  EBUSY: [C.unavailable, 'is busy'],
  ETXTBSY: [C.unavailable, 'is busy: it is being executed'],
  EINTR: [C.unavailable, 'could not be reached: the call was interrupted'],
  ESTALE: [C.unavailable, 'is gone from its server'],
  ETIMEDOUT: [C.unavailable, 'could not be reached in time'],
  EHOSTDOWN: [C.unavailable, 'could not be reached: its server is down'],
  ENODEV: [C.unavailable, 'has no device behind it'],
  ENXIO: [C.unavailable, 'has no device behind it'],
}

/** The errno of a thrown value, such as `ENOENT`. */
export function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined
  const { code, syscall } = thrown as NodeJS.ErrnoException
  return typeof code === 'string' && typeof syscall === 'string' ? code : undefined
}

/**
 * What to throw in place of what was thrown: errors of the system get a code and lose their path,
 * everything else stays what it is.
 *
 * @param path - as the caller wrote it: relative to the grant
 */
export function translated(thrown: unknown, path: string): unknown {
  const errno = errnoOf(thrown)
  if (errno === undefined) return thrown
  const { syscall = '' } = thrown as NodeJS.ErrnoException
  const [code, reason] = CODES[errno] ?? [C.unavailable, 'could not be reached']
  return new EffectsError(code, `${shownPath(path)} ${reason}`, { errno, syscall })
}
