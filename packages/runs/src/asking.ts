/** Questions to people, as they are put: what they are shown, who may answer, until when. */

import type { ApprovalAsk } from '@ice/capabilities/ports'
import type { JsonObject, Timestamp } from '@ice/primitives'
import { shownReferences } from './contents.ts'
import { proposalOf, proposerMember } from './denied.ts'
import type { Call } from './effects.ts'
import type { Sources } from './given.ts'
import type { Journal } from './journal.ts'
import type { Payload } from './lifecycle.ts'
import type { Question } from './ports.ts'
import { sealValue } from './value.ts'

/** Asks a person about exactly this call; does nothing where they are asked about it already. */
export async function putToPerson(
  journal: Pick<Journal, 'add' | 'fold' | 'now'>,
  { ask, call }: { readonly ask: ApprovalAsk; readonly call: Call },
  sources: Sources,
): Promise<void> {
  const { digest } = ask
  if (journal.fold.waiting.get(call.effect)?.digest === digest) return
  const references = await shownReferences(call.bound.references, sources)
  const shown = references.length > 0 ? { references } : {}
  const sealed = sealValue({ ...detailsOf(call), ...shown })
  const at = journal.now()
  journal.add({
    type: 'ApprovalRequested',
    at,
    causes: proposalOf(call),
    blob: sealed.blob,
    data: {
      ...termsOf(ask, at),
      step: call.effect,
      kind: 'effect',
      digest,
      prompt: promptOf(call).slice(0, 2048),
      details: sealed.ref as Payload<'ApprovalRequested'>['details'],
      grant: call.grant,
      ...proposerMember(call),
    },
  })
}

function promptOf({ request, resource, items }: Call): string {
  const many = items === undefined ? '' : ` (${items.length} calls)`
  return `Allow ${request.action}${many}${placeOf(resource)}?`
}

/** Who may answer, from when and until when, as a question put now says it. */
function termsOf(
  { approvers, timeoutMs, escalation }: Omit<ApprovalAsk, 'digest'>,
  at: Timestamp,
): Pick<Payload<'ApprovalRequested'>, 'approvers' | 'expiresAt' | 'escalation'> {
  return {
    expiresAt: timeoutMs === null ? null : at + timeoutMs,
    ...(approvers === null ? {} : { approvers: [...approvers] }),
    ...(escalation === null
      ? {}
      : { escalation: { at: at + escalation.afterMs, to: [...escalation.to] } }),
  }
}

/** The same of a question that a program, or a check, puts: whoever it names, or anybody. */
export function termsOfQuestion(question: Question, at: Timestamp): ReturnType<typeof termsOf> {
  const { by, timeoutMs = null, escalateAfterMs: afterMs, escalateTo: to } = question
  const escalation = afterMs === undefined || to === undefined ? null : { afterMs, to }
  return termsOf({ approvers: by ?? null, timeoutMs, escalation }, at)
}

/** What a person is shown: the whole call, but for arguments that are too large to show. */
function detailsOf({ request, resource, sealed, secrets }: Call): JsonObject {
  const { digest: argumentsDigest, ref } = sealed
  const args = 'inline' in ref ? { arguments: ref.inline } : {}
  const carried = secrets.length === 0 ? {} : { secrets: secrets.map(({ name }) => name) }
  return { action: request.action, resource, argumentsDigest, ...args, ...carried }
}

/** Where a call acts, for a person who is asked: a path, or a method and a place on the network. */
function placeOf({ method, scheme, host, port, path }: JsonObject): string {
  if (typeof path !== 'string') return ''
  return typeof host === 'string' ? ` ${method} ${scheme}://${host}:${port}${path}` : ` ${path}`
}
