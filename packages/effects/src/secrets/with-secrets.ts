/**
 * Secrets around handlers: what is carried is revealed inside the effect, and nothing of it comes
 * out. No handler has to remember either.
 *
 *     arguments ──► hold a value? refused, unrecorded
 *     intent    ──► names and grants of the secrets carried
 *     perform   ──► call.reveal(handle) ──► store        value, observed, error ──► scrubbed
 *                   call.fold ◄── bytes, scrubbed as they stream
 *
 * 1. A call reveals what its intent names, and nothing else.
 * 2. All values of the store are looked for, not only those the call carries: a file may hold what
 *    another effect was given.
 * 3. What a handler throws keeps its code, so that a denial stays one.
 * 4. What is kept for a compensation is kept as it is, or not at all: what was scrubbed could not
 *    be put back.
 */

import { Buffer } from 'node:buffer'
import type { EffectCall, EffectHandler, EffectReport } from '@ice/runs/ports'
import { SECRET_CODES, SecretError } from './errors.ts'
import { composed, type SecretHandle } from './handle.ts'
import { SECRET_BYTES_MAX, SECRET_BYTES_MIN, SECRETS_MAX } from './limits.ts'
import { exposes, type ScrubText, scrubbedError, scrubbedValue } from './recorded.ts'
import { Scrubber } from './scrubber.ts'
import type { SecretStore } from './store.ts'
import { ScrubStream, scrubbedFold } from './stream.ts'

/** A call as a handler sees it once secrets are around it. */
export interface SecretCall extends EffectCall {
  /** The text a handle stands for. */
  readonly reveal: (handle: SecretHandle) => Promise<string>
  /** For what is hidden before it is reported: bytes that become base64. */
  readonly scrub: ScrubText
  /** For bytes that come in chunks, and are told of before they are folded. */
  readonly scrubStream: () => ScrubStream
}

/**
 * The text a handle of this call stands for.
 *
 * @throws {SecretError} `ICE_EFFECTS_SECRET_STORE_UNAVAILABLE`, `…_DENIED`, `…_NOT_FOUND`,
 * `…_SIZE_LIMIT`, `…_ENCODING_UNSUPPORTED`
 */
export function revealed(call: EffectCall, handle: SecretHandle): Promise<string> {
  const { reveal } = call as Partial<SecretCall>
  if (reveal !== undefined) return reveal(handle)
  const message = 'This runtime has no store of secrets'
  return Promise.reject(new SecretError(SECRET_CODES.noStore, message))
}

/** How a call scrubs texts, where secrets are around its handler. */
export function scrubOf(call: EffectCall): ScrubText | undefined {
  return (call as Partial<SecretCall>).scrub
}

/** How a call scrubs streams, where secrets are around its handler. */
export function scrubStreamsOf(call: EffectCall): SecretCall['scrubStream'] | undefined {
  return (call as Partial<SecretCall>).scrubStream
}

/**
 * Puts secrets around handlers. Asks the store for every name it has, once.
 *
 * @throws {SecretError} `ICE_EFFECTS_SECRET_SIZE_LIMIT`, `ICE_EFFECTS_SECRET_COUNT_LIMIT`, and
 * what the store throws, but for a name that has no value now
 */
export async function withSecrets(
  handlers: readonly EffectHandler[],
  store: SecretStore,
): Promise<readonly EffectHandler[]> {
  const scrubber = new Scrubber()
  const names = await store.names()
  if (names.length > SECRETS_MAX) {
    throw new SecretError(SECRET_CODES.count, `A store has at most ${SECRETS_MAX} secrets`)
  }
  for (const name of names) {
    try {
      await resolved(name, store, scrubber)
    } catch (error) {
      const isMissing = error instanceof SecretError && error.code === SECRET_CODES.notFound
      if (!isMissing) throw error
    }
  }
  return handlers.map((handler) => around(handler, store, scrubber))
}

/** A value that can be kept out of records: learned before anybody has it. */
async function resolved(
  name: string,
  store: SecretStore,
  scrubber: Scrubber,
  signal?: AbortSignal,
): Promise<Buffer> {
  const bytes = Buffer.from(await store.resolve(name, signal === undefined ? {} : { signal }))
  if (bytes.length < SECRET_BYTES_MIN || bytes.length > SECRET_BYTES_MAX) {
    const message = `A secret has ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes`
    throw new SecretError(SECRET_CODES.size, message, { name: name.slice(0, 256) })
  }
  scrubber.learn(bytes)
  return bytes
}

function around(handler: EffectHandler, store: SecretStore, scrubber: Scrubber): EffectHandler {
  const { action, fate, outcome, bounds, source, heartbeatMs } = handler
  const scrub: ScrubText = (text) => scrubber.text(text)
  const undoing: NonNullable<EffectHandler['compensate']> = async (call) => {
    try {
      const report = await handler.compensate?.({ ...call, ...helping(call, store, scrubber) })
      return { observed: scrubbedValue(report?.observed ?? {}, scrub) as EffectReport['observed'] }
    } catch (error) {
      throw scrubbedError(error, scrub)
    }
  }
  const parse = (value: unknown): ReturnType<EffectHandler['arguments']['parse']> => {
    if (!exposes(value, scrubber)) return handler.arguments.parse(value)
    const message = 'An argument holds the value of a secret; name it by a handle'
    throw new SecretError(SECRET_CODES.exposed, message)
  }
  return Object.freeze({
    action,
    fate,
    outcome,
    arguments: { parse },
    resource: handler.resource.bind(handler),
    ...(bounds === undefined ? {} : { bounds: bounds.bind(handler) }),
    ...(source === undefined ? {} : { source: source.bind(handler) }),
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    ...batchAround(handler, store, scrubber),
    async perform(call: EffectCall): Promise<EffectReport> {
      try {
        const report = await handler.perform(calling(call, store, scrubber))
        return scrubbedReport(report, scrubber)
      } catch (error) {
        throw scrubbedError(error, scrub)
      }
    },
    ...(handler.compensate === undefined ? {} : { compensate: undoing }),
  })
}

/** The same of calls that a handler takes together. */
function batchAround(
  handler: EffectHandler,
  store: SecretStore,
  scrubber: Scrubber,
): Pick<EffectHandler, 'performBatch'> {
  const performBatch = handler.performBatch?.bind(handler)
  if (performBatch === undefined) return {}
  const scrub: ScrubText = (text) => scrubber.text(text)
  return {
    async performBatch(call) {
      try {
        const reports = await performBatch(calling(call, store, scrubber))
        return reports.map((each) => {
          if ('error' in each) return { error: scrubbedError(each.error, scrub) }
          return scrubbedReport(each, scrubber)
        })
      } catch (error) {
        throw scrubbedError(error, scrub)
      }
    },
  }
}

function scrubbedReport(report: EffectReport, scrubber: Scrubber): EffectReport {
  const scrub: ScrubText = (text) => scrubber.text(text)
  const { kept, ...clean } = {
    ...report,
    value: scrubbedValue(report.value, scrub),
    observed: scrubbedValue(report.observed, scrub) as EffectReport['observed'],
  }
  if (kept === undefined) return clean
  if (!exposes(kept, scrubber)) return { ...clean, kept }
  return { ...clean, observed: { ...clean.observed, notKept: 'secret' } }
}

/** What a call that acts, or undoes, is given beside itself. */
function helping(
  call: Pick<EffectCall, 'secrets' | 'signal'>,
  store: SecretStore,
  scrubber: Scrubber,
): Pick<SecretCall, 'reveal' | 'scrub' | 'scrubStream'> {
  const reveal = async (handle: SecretHandle): Promise<string> => {
    const { $secret: name } = handle
    if (call.secrets?.some((use) => use.name === name) !== true) {
      throw new SecretError(SECRET_CODES.notCarried, 'The call was authorised without this secret')
    }
    const bytes = await resolved(name, store, scrubber, call.signal)
    const text = bytes.toString('utf8')
    if (Buffer.from(text, 'utf8').equals(bytes)) return composed(handle, text)
    throw new SecretError(SECRET_CODES.encoding, 'The secret is no text', { name })
  }
  return {
    reveal,
    scrub: (text) => scrubber.text(text),
    scrubStream: () => new ScrubStream(scrubber),
  }
}

function calling<C extends Pick<EffectCall, 'emit' | 'fold' | 'secrets' | 'signal'>>(
  call: C,
  store: SecretStore,
  scrubber: Scrubber,
): C & Pick<SecretCall, 'reveal' | 'scrub' | 'scrubStream'> {
  const fold = call.fold === undefined ? {} : { fold: scrubbedFold(call.fold, scrubber) }
  const { emit } = call
  const scrub: ScrubText = (text) => scrubber.text(text)
  const shown: Pick<EffectCall, 'emit'> =
    emit === undefined ? {} : { emit: (chunk) => emit(scrubbedValue(chunk, scrub)) }
  return { ...call, ...fold, ...shown, ...helping(call, store, scrubber) }
}
