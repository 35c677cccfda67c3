/**
 * The walk: rounds of listing directories and reading files, each round proposed before it is done.
 *
 *     frontier ──► proposal ──► lists and reads, at once ──► totals
 *         ▲                              │
 *         └────────── what was listed ◄──┘
 *
 * A round takes the next few directories and the next few dozen files and waits for all of them.
 * What comes back is added up in the order it was asked for, whatever the order it came in: so a
 * replay takes the same way, and the report does not depend on the speed of a disk.
 */

import { FOLD_BYTES_MAX, fs, type ListPage } from '@ice/effects'
import { sha256Hex } from '@ice/primitives'
import type { EffectOutcome, EffectRequest, RunContext } from '@ice/runs/ports'
import { Frontier, type PendingFile, type PendingPage, type Place, pathOf } from './frontier.ts'
import type { SurveyInput } from './input.ts'
import { LISTS_AT_ONCE, STEP_PATH_BYTES_MAX } from './limits.ts'
import type { Proposer, SurveyEntry, Tally } from './ports.ts'
import { tallyFold } from './tally.ts'
import { Totals } from './totals.ts'

/** The name of the grant under which the folder is read. */
export const SOURCE = 'source'

/** Reads the whole folder, and adds it up. */
export async function walkFolder(
  context: RunContext,
  { concurrency }: SurveyInput,
  proposer: Proposer,
): Promise<Totals> {
  const totals = new Totals()
  const frontier = new Frontier()
  for (let round = 1; !frontier.isEmpty; round += 1) {
    const isShort = frontier.files < concurrency
    const { pageEntries } = frontier
    const pages = isShort ? frontier.takePages(LISTS_AT_ONCE) : []
    const files = frontier.takeFiles(concurrency)
    await proposeRound(context, { round, pages, files, agent: proposer.agent })
    const listing = Promise.all(pages.map((page) => list(context, page, pageEntries)))
    const reading = Promise.all(files.map((file) => read(context, file)))
    const [listed, tallies] = await Promise.all([listing, reading])
    for (const [at, file] of files.entries()) addTally(totals, file, tallies[at])
    const found: PendingPage[] = []
    for (const [at, page] of pages.entries()) {
      found.push(...(await takeUp({ context, totals, frontier, proposer }, page, listed[at])))
    }
    frontier.addPages(found)
  }
  totals.close()
  return totals
}

async function proposeRound(
  context: RunContext,
  init: {
    readonly round: number
    readonly pages: readonly PendingPage[]
    readonly files: readonly PendingFile[]
    readonly agent: string
  },
): Promise<void> {
  const { round, pages, files, agent } = init
  const list = pages.map(({ place, page }) => ({ path: pathOf(place), page }))
  const read = files.map(({ place, reason }) => ({ path: pathOf(place), reason }))
  const what = [counted(read.length, 'read', 'file'), counted(list.length, 'list', 'directory')]
  const content = { grant: SOURCE, list, read }
  await context.propose(`round/${round}`, { agent, content, reason: what.flat().join(' and ') })
}

function counted(count: number, verb: string, noun: string): readonly string[] {
  const nouns = count === 1 ? noun : noun.replace(/y?$/, (end) => (end === 'y' ? 'ies' : 's'))
  return count === 0 ? [] : [`${verb} ${count} ${nouns}`]
}

/** A step id that names a path, and fits into an event. */
export function stepOf(kind: string, path: string): string {
  if (Buffer.byteLength(path) <= STEP_PATH_BYTES_MAX) return `${kind}/${path}`
  return `${kind}-long/${sha256Hex(path)}`
}

function list(context: RunContext, { place, page, after }: PendingPage, limit: number) {
  const path = pathOf(place)
  const request = fs.list(SOURCE, { path, limit, ...(after === undefined ? {} : { after }) })
  return context.attempt<ListPage>(stepOf(`list/${page}`, path), request)
}

function read(context: RunContext, { place }: PendingFile): Promise<EffectOutcome<Tally>> {
  const path = pathOf(place)
  const arguments_ = { path, maxBytes: FOLD_BYTES_MAX }
  const request: EffectRequest<Tally> = fs.read(SOURCE, arguments_, tallyFold(place.name))
  return context.attempt(stepOf('read', path), request)
}

function addTally(totals: Totals, { place }: PendingFile, outcome?: EffectOutcome<Tally>): void {
  if (outcome?.kind === 'succeeded') totals.file(pathOf(place), outcome.value)
  else totals.skip(pathOf(place), whyNot('read', outcome))
}

/** Why something was not done, in words that group the like with the like. */
function whyNot(what: string, outcome: EffectOutcome<unknown> | undefined): string {
  if (outcome?.kind === 'denied') return `not allowed to be ${what}: ${outcome.denial.code}`
  if (outcome?.kind !== 'failed') return `not ${what}`
  const errno = outcome.error.data?.['errno']
  const system = typeof errno === 'string' ? ` (${errno})` : ''
  return `could not be ${what}: ${outcome.error.code}${system}`
}

interface TakeUpInit {
  readonly context: RunContext
  readonly totals: Totals
  readonly frontier: Frontier
  readonly proposer: Proposer
}

/** Sorts one listed page into what is read, entered and left. @returns pages to list later */
async function takeUp(
  { context, totals, frontier, proposer }: TakeUpInit,
  { place, page, after }: PendingPage,
  outcome: EffectOutcome<ListPage> | undefined,
): Promise<readonly PendingPage[]> {
  const directory = pathOf(place)
  if (outcome?.kind !== 'succeeded') {
    totals.skip(directory, whyNot('listed', outcome))
    return []
  }
  if (page === 1) totals.directory()
  const prefix = directory === '.' ? '' : `${directory}/`
  const entries: readonly SurveyEntry[] = outcome.value.entries.map((entry) => ({
    ...entry,
    path: prefix + entry.name,
  }))
  const verdicts = await proposer.consider(context, entries)
  const found: PendingPage[] = []
  for (const [at, { name, path, kind }] of entries.entries()) {
    totals.name(name)
    const verdict = verdicts[at]
    const inner: Place = { parent: place, name }
    if (verdict?.kind === 'enter' && kind === 'directory') {
      found.push({ place: inner, page: 1, after: undefined })
    } else if (verdict?.kind === 'read') {
      frontier.addFile({ place: inner, reason: verdict.reason })
    } else {
      totals.skip(path, verdict?.kind === 'skip' ? verdict.reason : 'not proposed')
    }
  }
  const last = outcome.value.entries.at(-1)?.name ?? after
  // The rest of this directory comes before what lies in it: its files are read together.
  if (outcome.value.more) found.unshift({ place, page: page + 1, after: last })
  return found
}
