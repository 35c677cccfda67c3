/** The forms a package's name takes in its files. */

/** `memory-sqlite` in each spelling. */
export interface Names {
  /** `memory-sqlite` */
  readonly short: string
  /** `MemorySqlite`, for types. */
  readonly pascal: string
  /** `memorySqlite`, for values. */
  readonly camel: string
  /** `MEMORY_SQLITE`, for error codes. */
  readonly upper: string
  /** `MEM`, for requirements. */
  readonly requirement: string
}

/** Lower-case words joined by hyphens. */
export const isPackageName = (text: string): boolean => /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text)

/** @param short - a name that `isPackageName` accepts */
export const namesOf = (short: string): Names => {
  const pascal = short
    .split('-')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
  return {
    short,
    pascal,
    camel: pascal.slice(0, 1).toLowerCase() + pascal.slice(1),
    upper: short.replaceAll('-', '_').toUpperCase(),
    requirement: short.replaceAll('-', '').slice(0, 3).toUpperCase(),
  }
}
