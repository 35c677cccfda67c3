/**
 * The play: two processes run one survey, one after the other, and a third one (this) kills the
 * first, revokes a grant, answers for a person, and looks at the log afterwards.
 *
 * Everything that is claimed is read from the log, or seen by a handler at its act; nothing is
 * claimed because a process said so.
 */

import { join } from 'node:path'
import { verifyLog } from '@ice/events'
import { invariant, type RunId } from '@ice/primitives'
import type { Stretch } from '@ice/runs/ports'
import { createRuntime, type Runtime } from '@ice/runtime'
import { NOTES, REPORT_FILES, SKIPPED_DIRECTORIES, type SurveyResult } from '../survey/index.ts'
import { firstLook } from './count.ts'
import { type DemoFolders, rootOf, within } from './folders.ts'
import type { Job, Told } from './messages.ts'
import type { Approval, Claim, DemoOutcome, Killed, Revoked } from './outcome.ts'
import { REACHES } from './overreach.ts'
import { Player } from './player.ts'
import { type RunRecord, readRecord } from './record.ts'
import { type Stage, setStage } from './stage.ts'
import { tamper } from './tamper.ts'
import { explain } from './why.ts'
import { witnessed } from './witness.ts'

/** Files after which it is half-way, at most: a million need not be waited for. */
const HALF_WAY_MAX = 5_000

type Waiting = Extract<Told, { readonly kind: 'waiting' }>

/** How the first process ended, and what was in flight then, by the log. */
interface Death {
  readonly signal: string | null
  readonly open: readonly string[]
  /** Reads that had their outcome. */
  readonly recorded: ReadonlySet<string>
}

/** The director's part in it: what people see, and say. */
export interface Audience {
  begins(stage: Stage): void
  progress(files: number, of: number | undefined): void
  /** Says what takes a while now. */
  works(at: string): void
  denied(record: RunRecord): void
  killed(killed: Killed): void
  /** Asks whether the earlier report may be replaced. */
  ask(steps: readonly string[]): Promise<Pick<Approval, 'answer' | 'by'>>
  approved(approval: Approval): void
  revoked(revoked: Revoked): void
}

/** Gives the demonstration. */
export async function play(folders: DemoFolders, audience: Audience): Promise<DemoOutcome> {
  const stage = setStage(folders)
  try {
    return await new Play(folders, stage, audience).go()
  } finally {
    stage.clear()
  }
}

class Play {
  readonly #folders: DemoFolders
  readonly #stage: Stage
  readonly #audience: Audience
  readonly #startedAt = performance.now()
  readonly #job: Job
  readonly #players: Player[] = []
  #of: number | undefined
  #rssBytes = 0

  constructor(folders: DemoFolders, stage: Stage, audience: Audience) {
    this.#folders = folders
    this.#stage = stage
    this.#audience = audience
    const { source, output, store } = folders
    const exclude = [output, store].flatMap((path) => within(source, path) ?? [])
    const { behindLink, outside } = stage
    this.#job = {
      store,
      reach: { behindLink, outside },
      grants: { source: rootOf(source), output: rootOf(output) },
      input: {
        title: `Survey of ${source.split(/[\\/]/).at(-1) || source}`.slice(0, 200),
        exclude,
      },
      holdAt: 0,
    }
  }

  async go(): Promise<DemoOutcome> {
    this.#audience.begins(this.#stage)
    const { exclude } = this.#job.input
    const look = firstLook(this.#folders.source, { skipDirectories: SKIPPED_DIRECTORIES, exclude })
    this.#of = look.complete ? look.files : undefined
    const half = Math.min(Math.floor(look.files / 2), HALF_WAY_MAX)
    const holdAt = look.files === 0 ? 0 : half + 1
    const first = this.#launch({ ...this.#job, holdAt })
    const { run } = await first.until('run')
    const halt = await first.until('holding', 'waiting', 'ended')
    const ice = await createRuntime({ path: join(this.#folders.store, 'ice.db') })
    try {
      this.#audience.denied(await readRecord(ice.log, run))
      const death = halt.kind === 'holding' ? await this.#kill(ice, run, first) : null
      const { player, waiting } = await this.#resume(run, first, halt)
      const killed = killedOf(look, holdAt, death, {
        pids: this.#players.map(({ pid }) => pid),
        record: await readRecord(ice.log, run),
        seen: await witnessed(this.#folders.store, player.pid, death?.recorded ?? new Set()),
      })
      this.#audience.killed(killed)
      const { grant, approval } = await this.#meanwhile(ice, run, waiting)
      const stretch = await this.#end(player, halt)
      const record = await readRecord(ice.log, run)
      this.#audience.approved(approval)
      const revoked = revokedOf(grant, stretch, record)
      this.#audience.revoked(revoked)
      return await this.#conclude(ice, { run, stretch, record, killed, approval, revoked })
    } finally {
      await ice.close()
    }
  }

  /** Kills the first process, which stands still, and notes what the log holds at that moment. */
  async #kill(ice: Runtime, run: RunId, player: Player): Promise<Death> {
    const { signal } = await player.kill()
    const { readsBefore: recorded } = await readRecord(ice.log, run)
    const { open } = await ice.runs.view(run)
    return { signal, open, recorded }
  }

  /** Goes on in a second process where the first was killed, until the run waits for a person. */
  async #resume(run: RunId, first: Player, halt: Told) {
    const isKilled = halt.kind === 'holding'
    const player = isKilled ? this.#launch({ ...this.#job, run }) : first
    const waiting: Waiting[] = halt.kind === 'waiting' ? [halt] : []
    while (halt.kind !== 'ended' && waiting.length < REPORT_FILES.length) {
      waiting.push(await player.until('waiting'))
    }
    return { player, waiting }
  }

  #launch(job: Job): Player {
    const player = new Player(job, (told: Told) => {
      if (told.kind === 'progress') this.#audience.progress(told.files, this.#of)
    })
    this.#players.push(player)
    return player
  }

  /** While the run waits for its approval: the notes are revoked, and the question is answered. */
  async #meanwhile(ice: Runtime, run: RunId, waiting: readonly Waiting[]) {
    const view = await ice.runs.view(run)
    const grant = view.grants[NOTES]
    invariant(grant !== undefined, 'the survey was given a grant for its notes')
    await ice.grants.revoke(grant, { reason: 'the demonstration takes the notes back' })
    const steps = waiting.map(({ step }) => step).sort()
    const said = await this.#audience.ask(steps)
    for (const { step, digest } of waiting) {
      await ice.runs.answer(run, { step, digest, approved: said.answer === 'yes' })
    }
    const approval: Approval = { steps, placeholders: this.#stage.placeholders, ...said }
    return { grant, approval }
  }

  async #end(player: Player, already: Told | null): Promise<Stretch> {
    const told = already?.kind === 'ended' ? already : await player.until('ended')
    await player.end()
    this.#rssBytes = told.maxRssBytes
    return told.stretch
  }

  async #conclude(
    ice: Runtime,
    init: {
      readonly run: RunId
      readonly stretch: Stretch
      readonly record: RunRecord
      readonly killed: Killed
      readonly approval: Approval
      readonly revoked: Revoked
    },
  ): Promise<DemoOutcome> {
    const { run, stretch, record, killed, approval, revoked } = init
    const [reach] = record.refused
    const ids = [record.example, reach?.event].flatMap((id) => id ?? [])
    const why = []
    for (const id of ids) why.push(await explain(ice, id))
    this.#audience.works('verifying the log')
    const { events, bytes, root, findings } = await verifyLog(ice.log.store)
    this.#audience.works('verifying a copy with one byte changed')
    const { store } = this.#folders
    const tampered = await tamper(join(store, 'ice.db'), join(store, 'tampered.db'))
    const reaches = REACHES.map((id) => `beside/${id}`)
    const denied = record.refused.filter(({ step }) => reaches.includes(step))
    const verification = { events, bytes, root, findings: findings.length }
    const result = resultOf(stretch)
    const outcome = {
      format: 'ice-demo/1' as const,
      folder: this.#folders.source,
      output: this.#folders.output,
      log: join(this.#folders.store, 'ice.db'),
      run,
      denied,
      killed,
      approval,
      revoked,
      conclusion: stretch.kind === 'concluded' ? stretch.result.conclusion : stretch.kind,
      result,
      table: {
        allowed: record.allowed,
        denied: record.refused.length,
        approved: record.approved,
        resumed: killed.replayed,
        failed: record.failed,
        events: record.events,
        bytesRead: record.bytesRead,
        logBytes: bytes,
        ms: Math.round(performance.now() - this.#startedAt),
        rssBytes: Math.max(this.#rssBytes, process.resourceUsage().maxRSS * 1024),
      },
      why,
      verification,
      tampered,
    }
    const claims = claimsOf(outcome, record, this.#stage.escaped())
    return { ...outcome, claims, held: claims.every(({ held }) => held) }
  }
}

function killedOf(
  look: { readonly files: number; readonly complete: boolean },
  atRead: number,
  death: Death | null,
  after: {
    readonly pids: readonly number[]
    readonly record: RunRecord
    readonly seen: readonly string[]
  },
): Killed {
  const { pids, record, seen } = after
  const isDone = death !== null
  const why = look.files === 0 ? 'there is no file to read' : 'it was over before that'
  return {
    done: isDone,
    note: isDone ? null : why,
    pids,
    signal: death?.signal ?? null,
    files: look.files,
    filesComplete: look.complete,
    atRead: isDone ? atRead : 0,
    replayed: isDone ? record.replayed : 0,
    replayedReads: isDone ? record.readsBefore.size : 0,
    inFlight: death?.open.length ?? 0,
    repeated: record.repeated,
    unexpected: record.repeated.filter((effect) => death?.open.includes(effect) !== true),
    rereads: [...new Set([...record.rereads, ...seen])],
  }
}

function resultOf(stretch: Stretch): SurveyResult | null {
  if (stretch.kind !== 'concluded' || stretch.result.conclusion !== 'committed') return null
  return stretch.result.value as unknown as SurveyResult
}

function revokedOf(grant: string, stretch: Stretch, { refused }: RunRecord): Revoked {
  const refusal = refused.find(({ step }) => step.startsWith('note/')) ?? null
  return { grant, used: resultOf(stretch)?.notes.written ?? 0, refusal }
}

/** Everything the demonstration stands for, each with whether it was so. */
function claimsOf(
  outcome: Omit<DemoOutcome, 'claims' | 'held'>,
  record: RunRecord,
  escaped: boolean,
): readonly Claim[] {
  const { killed, approval, revoked, result, tampered } = outcome
  const replaced = result?.reports.every(({ how }) => how === 'replaced') ?? false
  const kept = result?.reports.every(({ how }) => how === 'kept') ?? false
  return [
    { name: 'three effects nobody granted were denied', held: outcome.denied.length === 3 },
    { name: 'nothing was written outside of the output folder', held: !escaped },
    { name: 'no recorded read was repeated', held: killed.rereads.length === 0 },
    { name: 'at most what was in flight was repeated', held: killed.unexpected.length === 0 },
    { name: 'another process took the run over', held: record.claims === (killed.done ? 1 : 0) },
    {
      name: 'the earlier report was replaced only with an approval',
      held: approval.answer === 'yes' ? replaced && record.approved === 2 : kept,
    },
    { name: 'the note before the revocation was written', held: revoked.used === 1 },
    { name: 'the note after the revocation was refused', held: revoked.refusal !== null },
    { name: 'the run was committed', held: outcome.conclusion === 'committed' },
    { name: 'it has one conclusion', held: record.conclusions.length === 1 },
    { name: 'RunTerminated is its last event', held: record.lastType === 'RunTerminated' },
    { name: 'the log verifies', held: outcome.verification.findings === 0 },
    {
      name: 'a changed byte is found where it is',
      held: tampered.found?.position === tampered.position,
    },
  ]
}
