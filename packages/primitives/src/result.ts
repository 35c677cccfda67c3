/**
 * A result: an answer that is either a value or a reason, for refusals that are not exceptions.
 *
 * The two heads have different property names, so `'error' in result` narrows and neither head
 * can be read by accident. A result is plain data: it survives JSON and structured cloning.
 */

/** Either a value under `ok` or a reason under `error`, never both. */
export type Result<T, E> = { readonly ok: T } | { readonly error: E }

/** Wraps a value as a success. */
export function ok<T>(value: T): { readonly ok: T } {
  return { ok: value }
}

/** Wraps a reason as a refusal. */
export function err<E>(error: E): { readonly error: E } {
  return { error }
}

/** Tells the success head from the other; `{ ok: undefined }` is a success. */
export function isOk<T, E>(result: Result<T, E>): result is { readonly ok: T } {
  return 'ok' in result
}
