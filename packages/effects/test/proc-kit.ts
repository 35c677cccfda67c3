/** What the tests of programs share: a root, grants, and calls under them. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventId, GrantId, JsonObject, RunId } from '@ice/primitives'
import type { EffectCall, EffectReport, EffectRequest } from '@ice/runs/ports'
import { afterEach } from 'vitest'
import {
  describeProcesses,
  type ProcessOptions,
  type ProcessResult,
  processEffects,
} from '../src/index.ts'

/** Whether boxes work on this machine; tests that need one are skipped by name where not. */
export const { sandbox: hasBox, note: boxNote } = await describeProcesses()

/** A shell, as a program like any other: what it is to do is one argument. */
export const SH = '/usr/bin/sh'

const roots: string[] = []

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

/** A directory for one test. */
export function freshRoot(): string {
  const root = mkdtempSync(join(tmpdir(), 'ice-proc-'))
  roots.push(root)
  return root
}

/** Scripts for `sh`, and any words for what else is started here. */
const SCRIPT = { words: ['-c', { text: 4_096 }], rest: { of: { text: 64 }, max: 8 } }

/** A grant on `sh` and others below a root. */
export function grantOn(root: string, members: JsonObject = {}): JsonObject {
  return {
    kind: 'proc',
    root,
    programs: [{ path: SH, args: SCRIPT }],
    ...members,
  }
}

/** What a grant says to have everything, box or not. */
export const OPEN = { write: true, network: true, sandbox: 'unsandboxed' } as const

/** How a call differs from a plain one. */
export interface ProcCallOptions extends ProcessOptions {
  readonly above?: readonly JsonObject[]
  readonly signal?: AbortSignal
}

const usual = processEffects()

/** Performs a request under a grant, as the runtime would once it is authorised. */
export async function performProc(
  resource: JsonObject,
  request: EffectRequest<unknown>,
  options: ProcCallOptions = {},
): Promise<EffectReport> {
  const { above = [], signal, ...rest } = options
  const handlers = Object.keys(rest).length === 0 ? usual : processEffects(rest)
  const handler = handlers.find(({ action }) => action === request.action)
  if (handler === undefined) throw new TypeError(`no handler for ${request.action}`)
  const args = handler.arguments.parse(request.arguments)
  return handler.perform({
    run: '0190a1b2-0000-7000-8000-000000000001' as RunId,
    effect: 'step',
    attempt: 1,
    idempotencyKey: 'run/step',
    intent: 'run/0190a1b2-0000-7000-8000-000000000001@7' as EventId,
    action: request.action,
    arguments: args,
    resource: handler.resource(args),
    grant: {
      id: '0190a1b2-0000-7000-8000-000000000002' as GrantId,
      resources: [resource, ...above] as unknown as EffectCall['grant']['resources'],
    },
    ...(request.fold === undefined ? {} : { fold: request.fold }),
    signal: signal ?? new AbortController().signal,
  })
}

/** The result of a request. */
export async function resultOf(
  resource: JsonObject,
  request: EffectRequest<unknown>,
  options: ProcCallOptions = {},
): Promise<ProcessResult> {
  return (await performProc(resource, request, options)).value as ProcessResult
}

/** The code a request fails with; one that succeeds is an error. */
export async function codeOfProc(
  resource: JsonObject,
  request: EffectRequest<unknown>,
  options: ProcCallOptions = {},
): Promise<string> {
  const report = await performProc(resource, request, options).catch((error: unknown) => error)
  if (report instanceof Error && 'code' in report) return String(report.code)
  throw report instanceof Error ? report : new TypeError(`no failure: ${JSON.stringify(report)}`)
}
