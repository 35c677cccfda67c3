/** What a rule is: a name, a reason, and a way to find what breaks it. */
import type { House } from './house.ts'

/** One place where the house breaks a rule. The message says what to write instead. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** A file that can be put right without thinking, with the text it should have. */
export interface Repair {
  readonly path: string
  readonly text: string
}

/** A rule of the house. */
export interface Rule {
  /** Kebab-case, named in findings and exemptions. */
  readonly id: string
  /** Why the rule is there: one sentence, printed under its first finding. */
  readonly reason: string
  check(house: House): readonly Finding[]
  /** For rules about generated text: what the stale files should hold. */
  repair?(house: House): readonly Repair[]
}
