/**
 * Names of actions: what a grant lists and a request asks for.
 *
 *     action = 1*128( ALPHA / DIGIT / "." / "_" / ":" / "+" / "~" / "-" )      ; `fs.read`
 *
 * There is no wildcard: a grant says what it allows, action by action.
 */
import { ACTION_CHARS_MAX } from './limits.ts'

const ACTION = /^[A-Za-z0-9._:+~-]+$/

/** Whether this is the name of an action. */
export function isActionName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= ACTION_CHARS_MAX && ACTION.test(value)
}
