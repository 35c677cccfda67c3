/** A campaign as a whole, over one source and its tests in a folder of their own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { projectRoot } from '../src/lib/house.ts'
import { type CampaignResult, runCampaign } from '../src/mutants/campaign.ts'

const SOURCE = 'export const isOfAge = (years: number): boolean => years >= 18\n'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ice-campaign-'))
  for (const name of ['src', 'test']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'src/age.ts'), SOURCE)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Puts the source to a test that says this. */
async function campaign(...statements: readonly string[]): Promise<CampaignResult> {
  const imports = [`import { expect, it } from 'vitest'`, `import { isOfAge } from '../src/age.ts'`]
  const body = `it('is of age', () => {\n${statements.join('\n')}\n})\n`
  writeFileSync(join(folder, 'test/age.test.ts'), `${imports.join('\n')}\n${body}`)
  const place = relative(projectRoot, folder)
  return runCampaign({
    sources: [`${place}/src/age.ts`],
    folder: place,
    tests: `${place}/test/*.test.ts`,
    choose: (mutants) => mutants,
    progress: () => undefined,
    survived: () => undefined,
  })
}

const changes = (result: CampaignResult): readonly string[] =>
  result.survivors.map(({ original, replacement }) => `${original} -> ${replacement}`)

describe('a campaign', () => {
  it('tells which mutants no test notices', async () => {
    const few = await campaign('expect([isOfAge(30), isOfAge(3)]).toEqual([true, false])')
    expect(few.tried).toHaveLength(3)
    expect(changes(few)).toEqual(['years >= 18 -> years > 18', '18 -> 19'])
    const all = await campaign('expect([isOfAge(18), isOfAge(17)]).toEqual([true, false])')
    expect(all.survivors).toEqual([])
  })

  it('says nothing when its tests fail with no mutant on', async () => {
    await expect(campaign('expect(isOfAge(18)).toBe(false)')).rejects.toThrow(
      /age\.test\.ts fails without a mutant/,
    )
  })

  it('says nothing when its tests came to fail, whatever was on', async () => {
    const counted = 'globalThis.times = (globalThis.times ?? 0) + 1'
    const once = 'expect([isOfAge(30), globalThis.times]).toEqual([true, 1])'
    await expect(campaign(counted, once)).rejects.toThrow(
      /age\.test\.ts fails without a mutant by now/,
    )
  })
})
