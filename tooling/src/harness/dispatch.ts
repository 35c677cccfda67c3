/** What `bench` and `prove` have in common: reading the command line and choosing the topic. */
import { parseArgs } from 'node:util'
import { describeTopics, topicNames } from './topics.ts'

/** A command line that names a topic. */
export interface TopicCall {
  readonly name: string
  readonly full: boolean
  readonly json: boolean
}

/** Or what to print instead of running one, and the exit code: 0 for the list, 2 for a mistake. */
export interface TopicAnswer {
  readonly text: string
  readonly status: 0 | 2
}

/** @param usage - the command as it is typed, with what it takes. */
export const chooseTopic = async (
  args: readonly string[],
  folder: string,
  usage: string,
): Promise<TopicCall | TopicAnswer> => {
  const known = usage.includes('--json')
    ? { full: { type: 'boolean' }, json: { type: 'boolean' } }
    : { full: { type: 'boolean' } }
  const list = (): Promise<string> => describeTopics(folder, usage)
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: known as { full: { type: 'boolean' }; json: { type: 'boolean' } },
    })
    const [name, ...rest] = positionals
    if (name === undefined) return { text: await list(), status: 0 }
    if (rest.length > 0) return { text: `One topic at a time.\n\n${await list()}`, status: 2 }
    if (!topicNames(folder).includes(name)) {
      return { text: `There is no topic "${name}".\n\n${await list()}`, status: 2 }
    }
    return { name, full: values.full === true, json: values.json === true }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { text: `${why}\n\n${await list()}`, status: 2 }
  }
}

/** Says a line to people. */
export const sayToPeople = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** Prints an answer where it belongs: a list on stdout, a mistake on stderr. */
export const giveAnswer = ({ text, status }: TopicAnswer): void => {
  const stream = status === 0 ? process.stdout : process.stderr
  stream.write(text)
  process.exitCode = status
}
