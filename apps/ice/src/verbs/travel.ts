/** What is done to recorded runs without going on with them. One file for each verb. */
import type { Command } from 'commander'
import type { Act } from './log.ts'

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}

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
}
