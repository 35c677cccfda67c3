/** Looks, from outside, at every process that has a word in its command line. */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import type { Seen } from './escape-kit.ts'

/** @units milliseconds between two looks */
const LOOK_MS = 40

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // it ended while it was looked at
  }
}

const countOf = (folder: string): number => {
  try {
    return readdirSync(folder).length
  } catch {
    return 0 // it ended while it was looked at
  }
}

const sizesIn = (folder: string, mark: string): number => {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(mark))
      .reduce((sum, name) => sum + statSync(`${folder}/${name}`).size, 0)
  } catch {
    return 0 // it ended while it was looked at, or has no such folder
  }
}

/** The processes of a mark; whoever only makes the box is none of them. */
export const marked = (mark: string): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const words = read(`/proc/${pid}/cmdline`).split('\0')
      return words.includes(`mark=${mark}`) && !words[0]?.endsWith('bwrap')
    })

const numberIn = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)

/** Looks once. */
const look = (seen: Seen, mark: string, bystander: number): void => {
  const pids = marked(mark)
  seen.processes = Math.max(seen.processes, pids.length)
  let resident = 0
  for (const pid of pids) {
    const status = read(`/proc/${pid}/status`)
    resident += numberIn(status, 'RssAnon') * 1_024
    if (/^CapEff:\s+0*[1-9a-f]/m.test(status)) seen.hadRights = true
    seen.descriptors = Math.max(seen.descriptors, countOf(`/proc/${pid}/fd`))
  }
  seen.residentBytes = Math.max(seen.residentBytes, resident)
  const [first] = pids
  if (first !== undefined) {
    const size = sizesIn(`/proc/${first}/root/dev/shm`, mark)
    seen.scratchBytes = Math.max(seen.scratchBytes, size)
  }
  if (numberIn(read(`/proc/${bystander}/status`), 'TracerPid') !== 0) seen.traced = true
}

/** Looks until it is ended. */
export const watch = (mark: string, bystander: number): { readonly seen: Seen; end(): void } => {
  const seen: Seen = {
    processes: 0,
    residentBytes: 0,
    descriptors: 0,
    hadRights: false,
    traced: false,
    scratchBytes: 0,
  }
  const timer = setInterval(() => look(seen, mark, bystander), LOOK_MS)
  return { seen, end: () => clearInterval(timer) }
}
