/**
 * Exit codes: the part of the command that scripts rely on.
 *
 * A code says which kind of thing to do about it, not what happened: that is the error's own code.
 */

/** What the process ends with. */
export const EXIT = {
  ok: 0,
  /** Something nobody provided for; also a store that cannot be used just now. */
  unexpected: 1,
  /** The command line, the configuration, the input or the program is not acceptable. */
  usage: 2,
  /** What was named is not there. */
  notFound: 3,
  /** Somebody else was faster, or it is another one's. */
  conflict: 4,
  /** Authority refused it, or the run ended because authority refused. */
  denied: 5,
  /** The log is not what was written. */
  unverified: 6,
  /** The run waits for a person, and holds nothing meanwhile. */
  suspended: 7,
  /** The run ended without a result. */
  aborted: 8,
  /** A decision would come out otherwise under the change that was asked about. */
  flipped: 9,
  /** A program does not follow a recorded history. */
  different: 1,
} as const

/** Codes whose last word does not say it, or says something else here. */
const BY_CODE: ReadonlyMap<string, number> = new Map([
  ['ICE_CAPABILITIES_NOT_REVOCABLE', EXIT.denied],
  ['ICE_CAPABILITIES_GRANT_REVOKED', EXIT.denied],
  ['ICE_PRIMITIVES_ID_INVALID', EXIT.usage],
  ['ICE_EVENTS_TOO_LATE', EXIT.conflict],
  // A log on the wrong disk, or of a newer format: no change of the command line mends it.
  ['ICE_EVENTS_SQLITE_FILESYSTEM_UNSUPPORTED', EXIT.unexpected],
  ['ICE_EVENTS_SQLITE_SETTINGS_UNSUPPORTED', EXIT.unexpected],
  ['ICE_EVENTS_SQLITE_FORMAT_UNSUPPORTED', EXIT.unexpected],
  ['ICE_EVENTS_POSTGRES_FORMAT_UNSUPPORTED', EXIT.unexpected],
  ['ICE_EVENTS_POSTGRES_SERVER_UNSUPPORTED', EXIT.unexpected],
  ['ICE_EVENTS_SCHEMA_UNSUPPORTED', EXIT.unexpected],
  ['ICE_EVENTS_FORMAT_UNSUPPORTED', EXIT.unexpected],
  ['ICE_EVENTS_DECLARATION_UNSUPPORTED', EXIT.unexpected],
])

/** The families of error codes, by their last word. */
const BY_FAMILY: readonly (readonly [suffix: string, exit: number])[] = [
  ['_NOT_FOUND', EXIT.notFound],
  ['_CONFLICT', EXIT.conflict],
  ['_DENIED', EXIT.denied],
  ['_CORRUPT', EXIT.unverified],
  ['_UNSUPPORTED', EXIT.usage],
  ['_LIMIT', EXIT.usage],
]

/** The exit code for an error's code. */
export function exitOfCode(code: string): number {
  const exact = BY_CODE.get(code)
  if (exact !== undefined) return exact
  return BY_FAMILY.find(([suffix]) => code.endsWith(suffix))?.[1] ?? EXIT.unexpected
}

/** The exit code for anything thrown. */
export function exitOf(error: unknown): number {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : ''
  return typeof code === 'string' && code.startsWith('ICE_') ? exitOfCode(code) : EXIT.unexpected
}

/** What a shell sees of a process that a signal ended. */
export function exitOfSignal(signal: 'SIGINT' | 'SIGTERM'): number {
  return signal === 'SIGINT' ? 130 : 143
}

const WORST_FIRST: readonly number[] = [
  EXIT.unexpected,
  EXIT.unverified,
  EXIT.denied,
  EXIT.aborted,
  EXIT.conflict,
  EXIT.notFound,
  EXIT.usage,
  EXIT.suspended,
]

/** One exit code for several things done: the one that asks for attention most. */
export function worstExit(codes: readonly number[]): number {
  const signalled = codes.find((code) => code > 128)
  return signalled ?? WORST_FIRST.find((code) => codes.includes(code)) ?? EXIT.ok
}
