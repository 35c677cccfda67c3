/** `ice schedule …`: runs that workers start at times. */
import type { Command } from 'commander'
import { collect, priority } from '../args/values.ts'
import type { Act } from './log.ts'

/** Adds the verbs to the command line. */
export function scheduleCommands(program: Command, act: Act): void {
  const schedule = program.command('schedule').description('runs that workers start at times')
  schedule
    .command('add')
    .description('start a program again and again')
    .argument('<id>', 'letters, digits, dots, _ and -; never used twice')
    .argument('<program>', 'a name, or a file: ./program.ts, ./programs.ts#name')
    .requiredOption('--cron <fields>', "five fields, or six with seconds first: '30 2 * * 1-5'")
    .option('--zone <name>', 'the time zone they are read in (default UTC)')
    .option('--overlap <policy>', 'while the run before goes on: skip (default), queue, all')
    .option('--catch-up <span>', 'how late a run may start: 10m, 2h (default 1h)')
    .option('--input <json>', "the input: JSON, @file, or - for stdin (default '{}')")
    .option('--bind <name=grant>', 'a grant that is there, by its id; repeatable', collect, [])
    .option('--tag <key=value>', 'a mark to find the runs by; repeatable', collect, [])
    .option('--agent <id>', 'the agent the runs act for')
    .option('--session <id>', 'the session they belong to')
    .option('--queue <name>', 'where the runs wait for a worker (default: default)')
    .option('--concurrency-key <key>', 'so many runs with it at once as workers are told')
    .option('--priority <n>', 'before others of their queue, -1000 to 1000', priority)
    .action((id, word, options) =>
      act(async (call) => (await import('./schedule.ts')).add(call, { id, word }, options)),
    )
  schedule
    .command('list')
    .description('list the schedules, with their next times')
    .option('--deleted', 'those that are deleted, too')
    .action((options) => act(async (call) => (await import('./schedule.ts')).list(call, options)))
  for (const [verb, description] of [
    ['pause', 'start no runs until it is resumed'],
    ['resume', 'start runs again, for times to come'],
    ['delete', 'end a schedule for good; its runs go on'],
  ] as const) {
    schedule
      .command(verb)
      .description(description)
      .argument('<id>', 'the id of the schedule')
      .option('--reason <text>', 'why')
      .action((id, options) =>
        act(async (call) => (await import('./schedule.ts')).change(call, { verb, id }, options)),
      )
  }
}
