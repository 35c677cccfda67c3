/**
 * Topics of a command: the files of a folder, each of which exports `topic`.
 *
 * The folder is the list, so that adding a file is all it takes to add a topic.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Figure } from './figure.ts'
import type { CheckRecorder } from './recorder.ts'

/** What every topic is told. */
export interface TopicContext {
  /** Asked for the long form: as many rounds, cases or kills as a release wants. */
  readonly full: boolean
  /** Says a line to whoever waits; it goes to stderr. */
  say(line: string): void
}

/** Something `npm run bench` measures. */
export interface BenchTopic {
  /** One line for the list. */
  readonly summary: string
  run(context: TopicContext): Promise<readonly Figure[]>
}

/** Something `npm run prove` proves. */
export interface ProveTopic {
  /** One line for the list. */
  readonly summary: string
  run(context: TopicContext & CheckRecorder): Promise<void>
}

/** The names of the topics in a folder. */
export const topicNames = (folder: string): readonly string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.ts'))
        .map((name) => name.slice(0, -'.ts'.length))
        .sort()
    : []

/** Loads one topic; the folder says which of the two kinds it is. */
export const loadTopic = async <T extends BenchTopic | ProveTopic>(
  folder: string,
  name: string,
): Promise<T> => {
  const module = (await import(pathToFileURL(join(folder, `${name}.ts`)).href)) as {
    readonly topic?: T
  }
  if (module.topic === undefined) throw new Error(`${name}.ts exports no \`topic\``)
  return module.topic
}

/** The list of topics with their summaries. One that cannot be loaded says why, and is listed. */
export const describeTopics = async (folder: string, usage: string): Promise<string> => {
  const names = topicNames(folder)
  if (names.length === 0) return `usage: ${usage}\nThere are no topics yet.\n`
  const width = Math.max(...names.map((name) => name.length))
  const lines: string[] = []
  for (const name of names) {
    const summary = await loadTopic(folder, name).then(
      (topic) => topic.summary,
      (error: unknown) => `cannot be loaded: ${String(error).split('\n')[0]}`,
    )
    lines.push(`  ${name.padEnd(width)}  ${summary}`)
  }
  return `usage: ${usage}\n\n${lines.join('\n')}\n`
}
