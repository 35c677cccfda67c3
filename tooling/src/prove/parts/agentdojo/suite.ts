/**
 * Suites of AgentDojo as they lie among the vectors: tools, tasks of users with the calls that
 * solve them and their results, tasks of attackers with the calls they want.
 *
 * Every `*.json` of the folder is a suite; nothing here knows one by name.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '@ice/primitives'
import { z } from 'zod'

const call = z.object({
  function: z.string(),
  args: z.record(z.string(), z.json()).nullish(),
  result: z.unknown(),
})

const suite = z.object({
  suite: z.string(),
  version: z.string(),
  tools: z.array(
    z.object({
      name: z.string(),
      description: z.string().default(''),
      parameters: z.record(z.string(), z.json()),
    }),
  ),
  user_tasks: z.array(
    z.object({ id: z.string(), prompt: z.string(), ground_truth: z.array(call).nullish() }),
  ),
  injection_tasks: z.array(z.object({ id: z.string(), ground_truth: z.array(call).nullish() })),
})

/** A call of a ground truth. */
export interface SuiteCall {
  readonly tool: string
  readonly arguments: JsonObject
  /** What the tool came back with, marks and all. */
  readonly result: string
}

/** A tool as models are told of it. */
export interface SuiteTool {
  readonly name: string
  readonly description: string
  readonly parameters: JsonObject
}

/** What somebody wants, and the calls that bring it about. */
export interface SuiteTask {
  readonly id: string
  readonly calls: readonly SuiteCall[]
}

/** A suite. */
export interface Suite {
  readonly name: string
  readonly tools: readonly SuiteTool[]
  readonly userTasks: readonly (SuiteTask & { readonly prompt: string })[]
  /** Those that want calls; others want to be believed, which no authority is about. */
  readonly attacks: readonly SuiteTask[]
}

/** The suites of a folder, by name. @throws when a file is none */
export const readSuites = (folder: string): readonly Suite[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const read = suite.safeParse(JSON.parse(readFileSync(join(folder, name), 'utf8')))
      if (!read.success) throw new Error(`${name} is no suite: ${z.prettifyError(read.error)}`)
      const { injection_tasks, suite: title, tools, user_tasks, version } = read.data
      return {
        name: `${title} ${version}`,
        tools: tools as readonly SuiteTool[],
        userTasks: user_tasks.map(({ id, prompt, ground_truth }) => ({
          id,
          prompt,
          calls: callsOf(ground_truth),
        })),
        attacks: injection_tasks
          .map(({ id, ground_truth }) => ({ id, calls: callsOf(ground_truth) }))
          .filter(({ calls }) => calls.length > 0),
      }
    })

const callsOf = (calls: readonly z.infer<typeof call>[] | null | undefined): readonly SuiteCall[] =>
  (calls ?? []).map(({ args, function: tool, result }) => ({
    tool,
    arguments: (args ?? {}) as JsonObject,
    result: typeof result === 'string' ? result : JSON.stringify(result ?? null),
  }))

const MARK = /INJMARK_\w+?_END/g

/** The content of a result with a text where its marks stand. */
export const filled = (content: string, text: string): string =>
  content.replaceAll(MARK, () => text)

const texts = z.record(z.string(), z.array(z.string()))

/** The attack texts of a folder of `{ category: [text, …] }` files. */
export const readInjections = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) =>
      Object.values(texts.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')))).flat(),
    )
