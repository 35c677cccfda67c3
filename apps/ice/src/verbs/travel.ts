/** What is done to recorded runs without going on with them. One file for each verb. */
import type { Command } from 'commander'
import { collect, wholeNumberOf } from '../args/values.ts'
import type { Act } from './log.ts'

/** Adds the verbs to the command line. */
export function travelCommands(program: Command, act: Act): void {
  program
    .command('replay')
    .description('replay recorded runs against programs as they are now; performs nothing')
    .argument('[history...]', 'exports (`ice log export`) and logs; left out, the store')
    .option('--check', 'say of each run whether its program follows it, and where it does not')
    .requiredOption('--programs <module...>', 'files that export the programs')
    .option('--run <run>', 'only this run; repeatable', collect, [])
    .option('--any-version', 'hold runs to the program of their name whose version takes none over')
    .option('--all', 'list those that are equal, too')
    .action((histories, options) =>
      act(async (call) => (await import('./replay.ts')).replay(call, histories, options)),
    )
  program
    .command('fork')
    .description('what a run would have been, had one thing been another; performs nothing')
    .argument('<run>', 'an id, or the beginning of one')
    .option(
      '--at <version>',
      'the last version that stays as it is recorded',
      wholeNumberOf('--at'),
    )
    .option('--outcome <step=json>', 'what an effect comes to; repeatable', collect, [])
    .option('--failure <step=text>', 'why an effect fails; repeatable', collect, [])
    .option('--answer <step=yes|no>', 'what a person says; repeatable', collect, [])
    .option('--signal <step=json>', 'what a step that waits for a signal is given', collect, [])
    .option('--input <json>', 'the input: JSON, @file, or - for stdin')
    .option('--policy <file>', 'under this policy, in Cedar, and no other')
    .option('--policy-schema <file>', 'its schema')
    .option('--policy-entities <file>', 'its entities, as JSON')
    .option('--policy-default <verdict>', 'for what it does not speak of: deny (default) or permit')
    .option('--revoke <grant>', 'as if the grant had been revoked when it was issued')
    .option('--caveat <grant-json...>', 'a grant, and a caveat that it would have had, too')
    .option('--replace <grant-file...>', 'a grant, and a JSON file with what would be different')
    .option('--expire <grant-time...>', 'a grant, and the time it would have ended at')
    .option('--program <file>', 'the file of the program, where its name is not enough')
    .action((typed, options) =>
      act(async (call) => (await import('./fork.ts')).fork(call, typed, options)),
    )
  program
    .command('rerun')
    .description('start new runs with the inputs of others, under grants named anew')
    .argument('[run...]', 'ids, or the beginnings of ids')
    .option(
      '--where <condition>',
      'those that ended without a result: queue=mail, …; repeatable',
      collect,
      [],
    )
    .option('--grant <grant>', 'what the new runs may do; repeatable, as for `run`', collect, [])
    .option('--program <file>', 'the file of the program, where its name is not enough')
    .option('--queue <name>', 'where workers take them from; of several, else the queue of each')
    .option('--dry-run', 'only show which')
    .option('--wait', 'of one: stay while others are asked, instead of leaving it suspended')
    .option('--yes', 'of one: approve what the run asks for')
    .action((typed, options) =>
      act(async (call) => (await import('./rerun.ts')).rerun(call, typed, options)),
    )
}
