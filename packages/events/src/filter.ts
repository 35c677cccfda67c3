/**
 * Filters: what of an event's envelope a store has to look into its bytes for.
 *
 * Streams and types stand beside an event in every store, and are found by an index. Origin and
 * time stand only in the canonical bytes. There RFC 8785 puts them behind the payload, so the last
 * place at which their key stands, with its quotes unescaped, is the envelope's own: in a JSON
 * text a quote inside a string is preceded by a backslash.
 */

import type { EventFilter, LogFilter } from './ports.ts'
import type { Taxonomy } from './taxonomy.ts'

const ORIGIN = ',"origin":"'
const TIME = ',"time":'

/** The origin an event's canonical bytes name. */
function originOf(bytes: string): string {
  const from = bytes.lastIndexOf(ORIGIN) + ORIGIN.length
  return bytes.slice(from, bytes.indexOf('"', from))
}

/** The time an event's canonical bytes name. @units epoch milliseconds, UTC */
function timeOf(bytes: string): number {
  return Number.parseInt(bytes.slice(bytes.lastIndexOf(TIME) + TIME.length), 10)
}

/** Whether a filter asks for what only the bytes of an event tell. */
export function filtersBytes(filter: EventFilter | undefined): boolean {
  const { origins, from, before } = filter ?? {}
  return origins !== undefined || from !== undefined || before !== undefined
}

/**
 * Whether an event's bytes have the origin and the time that a filter asks for. Stream and type
 * are the store's to match.
 */
export function matchesBytes(filter: EventFilter | undefined, bytes: string): boolean {
  if (filter === undefined) return true
  const { origins, from, before } = filter
  if (from !== undefined || before !== undefined) {
    const time = timeOf(bytes)
    if (from !== undefined && time < from) return false
    if (before !== undefined && time >= before) return false
  }
  if (origins === undefined) return true
  const origin = originOf(bytes)
  return origins.some((one) => (one === 'agent' ? origin.startsWith('agent:') : one === origin))
}

/** A log's filter as a store takes it: categories told as the types that are of them. */
export function storeFilter(filter: LogFilter, taxonomy: Taxonomy): EventFilter {
  const { categories, ...rest } = filter
  if (categories === undefined) return rest
  const candidates = rest.types ?? taxonomy.types
  const types = candidates.filter((type) => {
    const category = taxonomy.describe(type)?.category
    return category !== undefined && categories.includes(category)
  })
  return { ...rest, types }
}
