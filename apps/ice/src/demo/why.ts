/** Why an effect was allowed, or was not: who proposed it, on what authority, with what outcome. */

import { describe } from '@ice/capabilities'
import type { Denial, GrantState } from '@ice/capabilities/ports'
import type { RecordedEvent, ValueRef } from '@ice/events/ports'
import type { EventId, GrantId } from '@ice/primitives'
import { openValue } from '@ice/runs'
import type { Runtime } from '@ice/runtime'

/** An explanation, by its lines. */
export interface Why {
  readonly event: EventId
  readonly verdict: 'allowed' | 'denied'
  /** Label and text. */
  readonly lines: readonly (readonly [string, string])[]
}

/** Events before the effect among which its proposal stands. */
const LOOK_BACK = 400

interface EffectData {
  readonly effect: string
  readonly action: string
  readonly resource: { readonly path?: string }
  readonly grant: string
  readonly chain?: readonly GrantId[]
  readonly approval?: EventId
  readonly denial?: Denial
  readonly stage?: string
}

/** Explains an intent or a denial. */
export async function explain(ice: Runtime, id: EventId): Promise<Why> {
  const event = await ice.log.event(id)
  const data = event.data as EffectData
  const isDenied = event.type === 'CapabilityDenied'
  const lines: (readonly [string, string])[] = [
    ['effect', `${data.action} ${data.resource.path ?? ''}`.trim()],
    ['proposed', await proposalOf(ice, event, data)],
  ]
  if (isDenied) lines.push(...(await denialLines(ice, data)))
  else lines.push(...(await authorityLines(ice, data)))
  if (data.approval !== undefined) {
    const approval = await ice.log.event(data.approval)
    lines.push(['approved', `by ${approval.principal ?? 'nobody'}, ${approval.id}`])
  }
  if (!isDenied) lines.push(['outcome', await outcomeOf(ice, event, data)])
  return { event: id, verdict: isDenied ? 'denied' : 'allowed', lines }
}

async function denialLines(
  ice: Runtime,
  { denial, stage, grant }: EffectData,
): Promise<(readonly [string, string])[]> {
  if (denial === undefined) return []
  await ice.authority.refresh()
  const state = ice.authority.grant(grant as GrantId)
  const named = state === undefined ? `"${grant}", which the run does not have` : undefined
  const when = stage === 'handler' ? 'on the way to the file, before it acted' : 'before any act'
  const causes = denial.causes.length > 1 ? describe(denial).split('\n').slice(1) : []
  return [
    ['under', named ?? grantText(state, grant as GrantId)],
    ['denied', `${denial.code} (${when})`],
    ['because', denial.message],
    ...causes.map((cause) => ['', cause.trim()] as const),
  ]
}

async function authorityLines(
  ice: Runtime,
  { chain = [] }: EffectData,
): Promise<(readonly [string, string])[]> {
  await ice.authority.refresh()
  return chain.map((id) => ['grant', grantText(ice.authority.grant(id), id)] as const)
}

function grantText(state: GrantState | undefined, id: GrantId): string {
  if (state === undefined) return id
  const { grant, label, issuedBy } = state
  const { root = '' } = grant.resource as { readonly root?: string }
  return `"${label ?? id}": ${grant.actions.join(', ')} on ${root}, issued by ${issuedBy ?? '?'}`
}

/** The proposal that names the path, or the step, of this effect. */
async function proposalOf(
  ice: Runtime,
  event: RecordedEvent,
  { effect, resource }: EffectData,
): Promise<string> {
  const { stream, version } = event
  const after = Math.max(0, version - LOOK_BACK)
  let found = 'by the program itself'
  for await (const batch of ice.log.read({ stream, after, limit: version - after })) {
    for (const { type, data, origin } of batch) {
      if (type !== 'DecisionProposed') continue
      const { step, proposal, reason } = data as {
        readonly step: string
        readonly proposal: ValueRef
        readonly reason: string
      }
      const content = await openValue(proposal, ice.log.store.blobs)
      const named = reasonIn(content, resource.path)
      if (step === `${effect}/proposed`) found = `by ${origin}: ${reason}`
      else if (named !== undefined) found = `by ${origin} in ${step}: ${named}`
    }
  }
  return found
}

function reasonIn(content: unknown, path: string | undefined): string | undefined {
  const { read = [], list = [] } = content as {
    readonly read?: readonly { readonly path: string; readonly reason: string }[]
    readonly list?: readonly { readonly path: string }[]
  }
  const file = read.find((each) => each.path === path)
  if (file !== undefined) return file.reason
  return list.some((each) => each.path === path) ? 'a directory to list' : undefined
}

async function outcomeOf(ice: Runtime, intent: RecordedEvent, data: EffectData): Promise<string> {
  const { stream, version } = intent
  for await (const batch of ice.log.read({ stream, after: version, limit: LOOK_BACK })) {
    for (const { type, data: given, id } of batch) {
      const outcome = given as {
        readonly effect?: string
        readonly observed?: { readonly bytes?: number; readonly sha256?: string }
      }
      if (outcome.effect !== data.effect || type === 'CapabilityUsed') continue
      const { bytes, sha256 } = outcome.observed ?? {}
      const seen = bytes === undefined ? '' : `, ${bytes} bytes`
      return `${type} ${id}${seen}${sha256 === undefined ? '' : `, sha256 ${sha256.slice(0, 16)}…`}`
    }
  }
  return 'none yet'
}
