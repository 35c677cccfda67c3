/**
 * The scanner of strict JSON: walks a text against the whole grammar and builds nothing.
 *
 *     value  = object / array / string / number / "true" / "false" / "null"    ; RFC 8259
 *     number = [ "-" ] ( "0" / %x31-39 *DIGIT ) [ "." 1*DIGIT ] [ exp ]
 *     exp    = ( "e" / "E" ) [ "+" / "-" ] 1*DIGIT
 *     string = DQUOTE *( %x20-21 / %x23-5B / %x5D-10FFFF / "\" escape ) DQUOTE
 *
 * 1. Each method starts at `at`, and either leaves `at` behind what it read and says true, or
 *    records one refusal and says false. The first refusal in the text is the one reported.
 * 2. Its recursion is bounded by `depthMax`, checked before the first character inside.
 * 3. Surrogates outside escapes are checked once for the whole text, before the walk.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  firstLone,
  hexDigit,
  isDigit,
  LOWER_E,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  PLUS,
  POINT,
  QUOTE,
  ZERO,
} from './characters.ts'
import type { JsonCorruptReason, JsonUnsupportedReason } from './errors.ts'
import { invariant } from './ice-error.ts'
import { isUnsafeInteger } from './numbers.ts'
import { isWellFormed } from './text.ts'

/** Why a text was refused, and at which UTF-16 unit. */
export type ScanRefusal = { readonly at: number } & (
  | { readonly reason: JsonCorruptReason | JsonUnsupportedReason }
  | { readonly reason: 'depth' | 'nodes'; readonly max: number }
)

interface ScanLimits {
  readonly depthMax: number
  readonly nodesMax: number
}

/** Digits that always make a safe integer: 10^15 is below 2^53. */
const SAFE_DIGITS = 15
const ESCAPES = 'bfnrt"\\/'

/** One walk over one text. */
export class JsonScanner {
  /** Members of all objects read so far. */
  members = 0
  private readonly text: string
  private readonly limits: ScanLimits
  private at = 0
  private nodes = 0
  private refusal: ScanRefusal | undefined
  /** Set when looking for the first duplicate, which needs every key decoded. */
  private tracking = false

  constructor(text: string, limits: ScanLimits) {
    this.text = text
    this.limits = limits
  }

  /** Walks the whole text; says why not, if it is refused. */
  scan(): ScanRefusal | undefined {
    if (this.text.charCodeAt(0) === 0xfeff) return { reason: 'bom', at: 0 }
    if (!isWellFormed(this.text)) return { reason: 'lone_surrogate', at: firstLone(this.text) }
    this.space()
    if (!this.value(0)) return this.refusal
    if (this.at < this.text.length) this.refuse('syntax', this.at)
    return this.refusal
  }

  /** Walks a text known to hold a duplicate key, to say where. */
  findDuplicate(): ScanRefusal {
    this.tracking = true
    const refusal = this.scan()
    invariant(refusal !== undefined, 'a text that lost members has a key that stands twice')
    return refusal
  }

  private refuse(reason: JsonCorruptReason | JsonUnsupportedReason, at: number): false {
    const ended = reason === 'syntax' && at >= this.text.length
    this.refusal = { reason: ended ? 'end' : reason, at }
    return false
  }

  /** Steps over white space and gives the character behind it; NaN at the end. */
  private space(): number {
    for (;;) {
      const char = this.text.charCodeAt(this.at)
      if (char !== 0x20 && char !== 0x0a && char !== 0x0d && char !== 0x09) return char
      this.at += 1
    }
  }

  /** One value with the white space behind it; `depth` counts the containers around it. */
  private value(depth: number): boolean {
    this.nodes += 1
    const char = this.text.charCodeAt(this.at)
    const opens = char === OPEN_BRACE || char === OPEN_BRACKET
    if (opens && depth >= this.limits.depthMax) return this.pass('depth', this.limits.depthMax)
    if (this.nodes > this.limits.nodesMax) return this.pass('nodes', this.limits.nodesMax)
    const fine = this.bare(char, depth)
    if (fine) this.space()
    return fine
  }

  private pass(reason: 'depth' | 'nodes', max: number): false {
    this.refusal = { reason, max, at: this.at }
    return false
  }

  private bare(char: number, depth: number): boolean {
    switch (char) {
      case QUOTE:
        return this.string()
      case OPEN_BRACE:
        return this.object(depth)
      case OPEN_BRACKET:
        return this.array(depth)
      case 0x74:
        return this.literal('true')
      case 0x66:
        return this.literal('false')
      case 0x6e:
        return this.literal('null')
      default:
        return this.number(char)
    }
  }

  private literal(word: string): boolean {
    for (let index = 1; index < word.length; index += 1) {
      const at = this.at + index
      if (this.text.charCodeAt(at) !== word.charCodeAt(index)) return this.refuse('syntax', at)
    }
    this.at += word.length
    return true
  }

  private array(depth: number): boolean {
    this.at += 1
    if (this.space() === CLOSE_BRACKET) return this.close()
    for (;;) {
      if (!this.value(depth + 1)) return false
      const char = this.text.charCodeAt(this.at)
      if (char === CLOSE_BRACKET) return this.close()
      if (char !== COMMA) return this.refuse('syntax', this.at)
      this.at += 1
      this.space()
    }
  }

  private close(): true {
    this.at += 1
    return true
  }

  private object(depth: number): boolean {
    const keys = this.tracking ? new Set<string>() : undefined
    this.at += 1
    if (this.space() === CLOSE_BRACE) return this.close()
    for (;;) {
      if (!this.key(keys)) return false
      if (!this.value(depth + 1)) return false
      const char = this.text.charCodeAt(this.at)
      if (char === CLOSE_BRACE) return this.close()
      if (char !== COMMA) return this.refuse('syntax', this.at)
      this.at += 1
      this.space()
    }
  }

  /** A key, its colon, and the white space around them. */
  private key(keys: Set<string> | undefined): boolean {
    const start = this.at
    if (this.text.charCodeAt(start) !== QUOTE) return this.refuse('syntax', start)
    if (!this.string()) return false
    if (keys !== undefined && !this.isNew(keys, start)) return false
    this.members += 1
    if (this.space() !== COLON) return this.refuse('syntax', this.at)
    this.at += 1
    this.space()
    return true
  }

  private isNew(keys: Set<string>, start: number): boolean {
    const key = String(JSON.parse(this.text.slice(start, this.at)))
    if (keys.has(key)) return this.refuse('duplicate_key', start)
    keys.add(key)
    return true
  }

  private string(): boolean {
    const text = this.text
    let at = this.at + 1
    for (;;) {
      const char = text.charCodeAt(at)
      if (char === QUOTE) {
        this.at = at + 1
        return true
      }
      if (char === BACKSLASH) {
        at = this.escape(at)
        if (at < 0) return false
      } else if (char >= 0x20) {
        at += 1
      } else {
        return this.refuse(at < text.length ? 'control_character' : 'syntax', at)
      }
    }
  }

  /** Gives the place behind an escape, or -1. */
  private escape(at: number): number {
    const char = this.text.charAt(at + 1)
    if (char !== 'u') {
      if (char !== '' && ESCAPES.includes(char)) return at + 2
      this.refuse('syntax', at + 1)
      return -1
    }
    const unit = this.hex4(at + 2)
    if (unit < 0xd800 || unit > 0xdfff) return unit < 0 ? -1 : at + 6
    if (unit < 0xdc00 && this.text.startsWith('\\u', at + 6)) {
      const low = this.hex4(at + 8)
      if (low < 0) return -1
      if (low >= 0xdc00 && low <= 0xdfff) return at + 12
    }
    this.refuse('lone_surrogate', at)
    return -1
  }

  /** Gives the value of four hex digits, or -1. */
  private hex4(start: number): number {
    let value = 0
    for (let at = start; at < start + 4; at += 1) {
      const digit = hexDigit(this.text.charCodeAt(at))
      if (digit < 0) {
        this.refuse('syntax', at)
        return -1
      }
      value = value * 16 + digit
    }
    return value
  }

  private number(first: number): boolean {
    const start = this.at
    let at = first === MINUS ? start + 1 : start
    if (this.text.charCodeAt(at) === ZERO) at += 1
    else at = this.digits(at)
    if (at < 0) return false
    const char = this.text.charCodeAt(at)
    if (char !== POINT && (char | 0x20) !== LOWER_E) {
      this.at = at
      return at - start <= SAFE_DIGITS || this.checkInteger(start, at)
    }
    return this.fraction(start, at)
  }

  /** Gives the place behind one or more digits, or -1. */
  private digits(start: number): number {
    let at = start
    while (isDigit(this.text.charCodeAt(at))) at += 1
    if (at > start) return at
    this.refuse('syntax', at)
    return -1
  }

  private fraction(start: number, point: number): boolean {
    let at = point
    if (this.text.charCodeAt(at) === POINT) {
      at = this.digits(at + 1)
      if (at < 0) return false
    }
    if ((this.text.charCodeAt(at) | 0x20) === LOWER_E) {
      const sign = this.text.charCodeAt(at + 1)
      at = this.digits(sign === MINUS || sign === PLUS ? at + 2 : at + 1)
      if (at < 0) return false
    }
    this.at = at
    const value = Number(this.text.slice(start, at))
    if (!Number.isFinite(value)) return this.refuse('number_overflow', start)
    return isUnsafeInteger(value) ? this.refuse('unsafe_integer', start) : true
  }

  /** An integer literal is judged as one, however large: 1 followed by 30 zeros is no 1e30. */
  private checkInteger(start: number, end: number): boolean {
    if (Number.isSafeInteger(Number(this.text.slice(start, end)))) return true
    return this.refuse('unsafe_integer', start)
  }
}
