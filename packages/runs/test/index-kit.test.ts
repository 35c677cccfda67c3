/** The kits themselves: every way of breaking a subject is caught, and no case catches nothing. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type KitCase,
  ownershipCases,
  runKitCase,
  runRowsCases,
  turnsCases,
} from '../src/contract/index.ts'
import { ownerSaboteurs, rowSaboteurs, type Saboteur, turnSaboteurs } from './index-saboteurs.ts'

/** Written anew with `ICE_UPDATE_FIXTURES=1`; read the difference before it is committed. */
const MATRIX = new URL('./fixtures/index-saboteurs.json', import.meta.url)

type Row = { readonly breaks: string; readonly caughtBy: readonly string[] }

async function caught<Subject extends { close(): Promise<void> }>(
  cases: readonly KitCase<Subject>[],
  { open, breaks }: Saboteur<Subject>,
  isShared: boolean,
): Promise<Row> {
  const caughtBy: string[] = []
  for (const one of cases) {
    const harness = {
      open: async () => open(),
      close: (subject: Subject) => subject.close(),
      ...(isShared ? { openSecond: async (subject: Subject) => subject } : {}),
    }
    await runKitCase(one, harness).catch(() => caughtBy.push(one.id))
  }
  return { breaks, caughtBy }
}

/** Owners see each other when they come from one saboteur; turns when they are one subject. */
async function caughtOwners(saboteur: Saboteur<Parameters<typeof ownerOf>[0]>): Promise<Row> {
  const caughtBy: string[] = []
  for (const one of ownershipCases) {
    const open = async () => saboteur.open()
    const close = ownerOf
    await runKitCase(one, { open, openSecond: open, close }).catch(() => caughtBy.push(one.id))
  }
  return { breaks: saboteur.breaks, caughtBy }
}

const ownerOf = (subject: ReturnType<(typeof ownerSaboteurs)[number]['open']>) => subject.close()

async function matrix(): Promise<Readonly<Record<string, Row>>> {
  const found: [string, Row][] = []
  for (const one of rowSaboteurs) found.push([one.id, await caught(runRowsCases, one, false)])
  for (const one of turnSaboteurs) found.push([one.id, await caught(turnsCases, one, true)])
  for (const one of ownerSaboteurs) found.push([one.id, await caughtOwners(one)])
  return Object.fromEntries(found)
}

const measured = matrix()
/** What a subject without a second, or a second life, cannot be caught by. */
const UNBOUND = ['rows-outlive-closing', 'rows-are-shared']

describe('the kits of the index, of turns and of ownership', () => {
  test('the matrix of saboteurs and cases is the one that was checked in', async () => {
    const text = `${JSON.stringify(await measured, null, 2)}\n`
    if (process.env['ICE_UPDATE_FIXTURES'] === '1') writeFileSync(MATRIX, text)
    expect(text).toBe(readFileSync(MATRIX, 'utf8'))
  })

  test('every saboteur is caught, by a case of the requirement that it breaks', async () => {
    const cases = [...runRowsCases, ...turnsCases, ...ownershipCases]
    const requirementOf = new Map(cases.map(({ id, requirement }) => [id, requirement]))
    const missed = Object.entries(await measured).filter(
      ([, { breaks, caughtBy }]) => !caughtBy.some((id) => requirementOf.get(id) === breaks),
    )
    expect(missed).toEqual([])
  })

  test('every case catches a saboteur', async () => {
    const catching = new Set(Object.values(await measured).flatMap(({ caughtBy }) => caughtBy))
    const cases = [...runRowsCases, ...turnsCases, ...ownershipCases]
    const idle = cases.map(({ id }) => id).filter((id) => !catching.has(id))
    expect(idle).toEqual(UNBOUND)
  })
})
