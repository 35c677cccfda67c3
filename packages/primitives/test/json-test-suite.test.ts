import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vectorTest } from '@ice/tooling/vectors'
import { describe, expect } from 'vitest'
import { errorRecord, parseStrict } from '../src/index.ts'

const CORRUPT = 'ICE_PRIMITIVES_JSON_CORRUPT'
const UNSUPPORTED = 'ICE_PRIMITIVES_JSON_UNSUPPORTED'
const LIMIT = 'ICE_PRIMITIVES_JSON_LIMIT'

/** Valid JSON that is refused on purpose, with the reason. */
const STRICTER: Readonly<Record<string, string>> = {
  // The last of two equal keys wins in some readers, the first in others (RFC 7493 §2.3).
  'y_object_duplicated_key.json': 'duplicate_key',
  'y_object_duplicated_key_and_value.json': 'duplicate_key',
}

/** What the suite leaves open: `accepted`, or the code and reason of the refusal. */
const OPEN: Readonly<Record<string, string>> = {
  'i_number_double_huge_neg_exp.json': 'accepted',
  'i_number_huge_exp.json': `${UNSUPPORTED} number_overflow`,
  'i_number_neg_int_huge_exp.json': `${UNSUPPORTED} number_overflow`,
  'i_number_pos_double_huge_exp.json': `${UNSUPPORTED} number_overflow`,
  'i_number_real_neg_overflow.json': `${UNSUPPORTED} number_overflow`,
  'i_number_real_pos_overflow.json': `${UNSUPPORTED} number_overflow`,
  'i_number_real_underflow.json': 'accepted',
  'i_number_too_big_neg_int.json': `${UNSUPPORTED} unsafe_integer`,
  'i_number_too_big_pos_int.json': `${UNSUPPORTED} unsafe_integer`,
  'i_number_very_big_negative_int.json': `${UNSUPPORTED} unsafe_integer`,
  'i_object_key_lone_2nd_surrogate.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_1st_surrogate_but_2nd_missing.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_1st_valid_surrogate_2nd_invalid.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_UTF-16LE_with_BOM.json': `${CORRUPT} utf8`,
  'i_string_UTF-8_invalid_sequence.json': `${CORRUPT} utf8`,
  'i_string_UTF8_surrogate_U+D800.json': `${CORRUPT} utf8`,
  'i_string_incomplete_surrogate_and_escape_valid.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_incomplete_surrogate_pair.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_incomplete_surrogates_escape_valid.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_invalid_lonely_surrogate.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_invalid_surrogate.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_invalid_utf-8.json': `${CORRUPT} utf8`,
  'i_string_inverted_surrogates_U+1D11E.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_iso_latin_1.json': `${CORRUPT} utf8`,
  'i_string_lone_second_surrogate.json': `${UNSUPPORTED} lone_surrogate`,
  'i_string_lone_utf8_continuation_byte.json': `${CORRUPT} utf8`,
  'i_string_not_in_unicode_range.json': `${CORRUPT} utf8`,
  'i_string_overlong_sequence_2_bytes.json': `${CORRUPT} utf8`,
  'i_string_overlong_sequence_6_bytes.json': `${CORRUPT} utf8`,
  'i_string_overlong_sequence_6_bytes_null.json': `${CORRUPT} utf8`,
  'i_string_truncated-utf-8.json': `${CORRUPT} utf8`,
  'i_string_utf16BE_no_BOM.json': `${CORRUPT} utf8`,
  'i_string_utf16LE_no_BOM.json': `${CORRUPT} utf8`,
  'i_structure_500_nested_arrays.json': `${LIMIT} depth`,
  'i_structure_UTF-8_BOM_empty_object.json': `${CORRUPT} bom`,
}

/** `accepted`, or the code and reason of the refusal. */
function verdict(path: string): string {
  try {
    parseStrict(readFileSync(path))
    return 'accepted'
  } catch (error) {
    const { code, data } = errorRecord(error)
    return `${code} ${String(data?.['reason'] ?? data?.['limit'])}`
  }
}

function verdicts(suite: string, prefix: string): Record<string, string> {
  const folder = join(suite, 'test_parsing')
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix))
  expect(names.length).toBeGreaterThan(0)
  return Object.fromEntries(names.map((name) => [name, verdict(join(folder, name))]))
}

/** Verifies: PRI-R05 */
describe('of the JSONTestSuite, parseStrict', () => {
  vectorTest('json-test-suite', 'accepts what it must, but for the refusals listed', (suite) => {
    for (const [name, result] of Object.entries(verdicts(suite, 'y_'))) {
      const reason = STRICTER[name]
      const wanted = reason === undefined ? 'accepted' : `${UNSUPPORTED} ${reason}`
      expect([name, result]).toEqual([name, wanted])
    }
  })

  vectorTest('json-test-suite', 'refuses what it must, with a code of its own', (suite) => {
    for (const [name, result] of Object.entries(verdicts(suite, 'n_'))) {
      expect([name, result]).toEqual([name, expect.stringMatching(/^ICE_PRIMITIVES_JSON_/)])
    }
  })

  vectorTest('json-test-suite', 'treats what is left open as the table says', (suite) => {
    const found = verdicts(suite, 'i_')
    const wanted = Object.keys(found).map((name) => [name, OPEN[name] ?? 'missing in the table'])
    expect(found).toEqual(Object.fromEntries(wanted))
  })

  vectorTest('json-test-suite', 'makes of what it accepts what JSON.parse makes', (suite) => {
    const accepted = Object.entries(verdicts(suite, '')).filter(([, each]) => each === 'accepted')
    expect(accepted.length).toBeGreaterThan(90)
    for (const [name] of accepted) {
      const bytes = readFileSync(join(suite, 'test_parsing', name))
      expect([name, parseStrict(bytes)]).toEqual([name, JSON.parse(bytes.toString())])
    }
  })
})
