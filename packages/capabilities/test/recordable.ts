/** What every denial has to be, whatever was denied. */
import { canonicalize } from '@ice/primitives'
import { expect } from 'vitest'
import { describe as render } from '../src/index.ts'
import type { Denial } from '../src/ports.ts'

/** A denial has to fit into the event that records it, beside the claim, and be JSON. */
export function expectRecordable(denial: Denial): void {
  expect(Buffer.byteLength(canonicalize(denial))).toBeLessThan(32_768)
  expect(denial.message.length).toBeLessThanOrEqual(2_048)
  expect(denial.causes.length).toBeLessThanOrEqual(64)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal obeys
  expect(render(denial)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
}
