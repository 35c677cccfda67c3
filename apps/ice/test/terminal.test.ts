import { execFileSync } from 'node:child_process'
import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createInvocation, type Host } from '../src/invocation.ts'
import { duration } from '../src/terminal/format.ts'
import { createPaint, wantsColour } from '../src/terminal/paint.ts'
import { tableLines } from '../src/terminal/table.ts'
import { createTalk } from '../src/terminal/talk.ts'
import { clip, jsonText, plain, shellWord, width } from '../src/terminal/text.ts'

/** Verifies: CLI-R12 */
describe('text on its way to a terminal', () => {
  it('is left alone when it does nothing there', () => {
    for (const text of ['', 'a b', 'naïve — “x”', '日本語', '🧊', 'a\\x1b']) {
      expect(plain(text)).toBe(text)
    }
  })

  it('has escapes for what does', () => {
    expect(plain('\u001b[2J\u009b2J\u007f')).toBe('\\x1b[2J\\x9b2J\\x7f')
    expect(plain('a\nb\r\tc')).toBe('a\\nb\\r\\tc')
    expect(plain('\u202etxt\u2066\u200b\ufeff\u2028')).toBe(
      '\\u202etxt\\u2066\\u200b\\ufeff\\u2028',
    )
    expect(plain('\ud800x\u{e0041}')).toBe('\\ud800x\\u{e0041}')
  })

  it('holds no control, no mark of direction, nothing unseen, whatever it was', () => {
    const any = fc.string({ unit: 'binary', maxLength: 64 })
    fc.assert(
      fc.property(any, (text) => {
        expect(plain(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        expect(jsonText(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
        expect(JSON.parse(jsonText({ text }))).toEqual({ text })
        expect(plain(plain(text))).toBe(plain(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('is one word for a shell', () => {
    const words = ["it's", '$(id)', '`id`', 'a b', 'a;b', '-n', "x'\u001b[2J\n\\y", '日本', '']
    const printed = execFileSync('bash', [
      ...['-c', `printf '%s\\0' ${words.map(shellWord).join(' ')}`],
    ])
    expect(printed.toString().split('\0').slice(0, -1)).toEqual(words)
    for (const word of words) expect(shellWord(word)).toBe(plain(shellWord(word)))
  })

  it('is clipped to columns, not to characters', () => {
    expect(clip('abcdef', 4)).toBe('abc…')
    expect(clip('日本語', 5)).toBe('日本…')
    expect(clip('日本語', 6)).toBe('日本語')
    expect(width('e\u0301')).toBe(1)
  })
})

describe('tables and durations', () => {
  it('stand in columns', () => {
    const rows = [
      ['日本', '1', 'x'.repeat(40)],
      [{ text: 'a', mark: (text: string) => `<${text}>` }, '22', ''],
    ]
    expect(tableLines({ head: ['name', 'n', 'about'], rows, columns: 24 })).toEqual([
      'name  n   about',
      '日本  1   xxxxxxxxxxxxx…',
      '<a>     22',
    ])
  })

  it('are told in two units at most', () => {
    const told = [0, 999, 1000, 61_000, 3_600_000, 3_660_000, 90_000_000].map(duration)
    expect(told).toEqual(['0 ms', '999 ms', '1 s', '1 min 1 s', '1 h', '1 h 1 min', '1 d 1 h'])
  })
})

/** Verifies: CLI-R02, CLI-R19 */
describe('the voice of the command', () => {
  const heard = (init: { isTTY: boolean; format?: 'human' | 'json'; quiet?: boolean }) => {
    let text = ''
    const stream = {
      isTTY: init.isTTY,
      columns: 20,
      write: (chunk: string) => {
        text += chunk
        return true
      },
    }
    const { format = 'human', quiet = false } = init
    const talk = createTalk({ stream, paint: createPaint(false), format, quiet })
    talk.progress('a line that is longer than twenty columns')
    talk.say('said')
    talk.note('noted', { noted: true })
    talk.alarmHuman('for people')
    talk.alarm('alarm')
    return text
  }

  it('shows progress on a terminal only', () => {
    expect(heard({ isTTY: true })).toMatch(/^\r.\[Ka line that is lon…\r.\[Ksaid\n/)
    expect(heard({ isTTY: false })).toBe('said\nnoted\nfor people\nalarm\n')
  })

  it('is JSON with --json, and holds failures only with --quiet', () => {
    expect(heard({ isTTY: true, format: 'json' })).toBe('{"noted":true}\nalarm\n')
    expect(heard({ isTTY: true, quiet: true })).toBe('for people\nalarm\n')
  })

  it('asks only where a person sits at a terminal', () => {
    const host = (isTTY: boolean): Host =>
      ({
        stdin: { isTTY },
        stdout: Object.assign(new PassThrough(), { isTTY }),
        stderr: { isTTY, write: () => true },
        env: {},
        cwd: () => '/',
      }) as unknown as Host
    const door = { home: 'file:///', shared: new Map() }
    expect(createInvocation({}, host(true), door).canAsk).toBe(true)
    expect(createInvocation({}, host(false), door).canAsk).toBe(false)
    expect(createInvocation({ json: true }, host(true), door).canAsk).toBe(false)
    expect(createInvocation({ quiet: true }, host(true), door).canAsk).toBe(false)
  })

  it('is coloured by the rules of NO_COLOR and FORCE_COLOR', () => {
    expect(wantsColour({}, true)).toBe(true)
    expect(wantsColour({}, false)).toBe(false)
    expect(wantsColour({ TERM: 'dumb' }, true)).toBe(false)
    expect(wantsColour({ NO_COLOR: '1' }, true)).toBe(false)
    expect(wantsColour({ NO_COLOR: '' }, true)).toBe(true)
    expect(wantsColour({ FORCE_COLOR: '1' }, false)).toBe(true)
    expect(wantsColour({ FORCE_COLOR: '0' }, true)).toBe(false)
    expect(wantsColour({ FORCE_COLOR: '1', NO_COLOR: '1' }, true)).toBe(false)
  })
})
