/** `ice log …`: what is done to a log as a whole. One file for each in `log/`. */
import type { Command } from 'commander'
import { collect, wholeNumberOf } from '../args/values.ts'
import type { Invocation } from '../invocation.ts'

/** Runs a verb and keeps its exit code. */
export type Act = (verb: (invocation: Invocation) => Promise<number>) => Promise<void>

const EXPORT_HELP = `
Formats:
  jsonl              every event as one line of its stored bytes, with the blobs they name and
                     what vouches for both: \`ice log import\` makes the same log of it
  cloudevents        CloudEvents 1.0, one a line; one way, so it may be filtered
  cloudevents-batch  the same as one JSON array
`

/** Adds the group to the command line. */
export function logCommands(program: Command, act: Act): void {
  const log = program.command('log').description('export, import, back up, restore, tidy the log')
  moving(log, act)
  copying(log, act)
  caring(log, act)
}

function moving(log: Command, act: Act): void {
  log
    .command('export')
    .description('write the log as lines of text, to stdout or a file')
    .option('--format <format>', 'jsonl, cloudevents or cloudevents-batch', 'jsonl')
    .option('--output <file>', 'a file that is not there yet')
    .option('--after <position>', 'only what comes after it', wholeNumberOf('--after'))
    .option('--to <position>', 'only up to it (jsonl)', wholeNumberOf('--to'))
    .option('--limit <n>', 'at most so many (cloudevents)', wholeNumberOf('--limit'))
    .option('--stream <prefix>', 'only of streams that begin so (cloudevents)')
    .option('--type <type>', 'only of this type (cloudevents); repeatable', collect, [])
    .addHelpText('after', EXPORT_HELP)
    .action((options) =>
      act(async (call) => (await import('./log/export.ts')).exportVerb(call, options)),
    )
  log
    .command('import')
    .description('make a log of an export, or go on with making it')
    .argument('<file>', 'an export, or - for stdin')
    .option('--noted <size:root>', 'what an earlier verification noted; repeatable', collect, [])
    .option('--keep-unknown', 'take events of types that are not known here')
    .option('--more', 'more of the log follows in another export')
    .action((typed, options) =>
      act(async (call) => (await import('./log/import.ts')).importVerb(call, typed, options)),
    )
}

function copying(log: Command, act: Act): void {
  log
    .command('backup')
    .description('copy the log as it stands')
    .argument('<path>', 'a file that is not there yet')
    .action((typed) => act(async (call) => (await import('./log/backup.ts')).backup(call, typed)))
  log
    .command('restore')
    .description('make a log of a backup: another life of it, with everything open in doubt')
    .argument('<backup>', 'a file that `ice log backup` has made')
    .requiredOption('--to <log>', 'where the log is to be; nothing may be there')
    .option('--noted <size:root>', 'what an earlier verification noted; repeatable', collect, [])
    .option('--archive <folder>', 'where the segments of its older runs are (else <log>.segments)')
    .action((typed, options) =>
      act(async (call) => (await import('./log/restore.ts')).restore(call, typed, options)),
    )
}

function caring(log: Command, act: Act): void {
  log
    .command('verify')
    .description('check that the log is what was written')
    .argument('[path]', 'a log or a backup; left out, the store')
    .option('--noted <size:root>', 'what an earlier verification noted; repeatable', collect, [])
    .action((typed, options) =>
      act(async (call) => (await import('./verify.ts')).verify(call, typed, options)),
    )
  log
    .command('gc')
    .description('remove blobs that no event names')
    .option('--grace <span>', 'leave those alone that were brought in since: 90s, 10m, 24h', '24h')
    .action((options) => act(async (call) => (await import('./log/gc.ts')).gc(call, options)))
  log
    .command('archive')
    .description('move runs that ended long ago to sealed files beside the log')
    .option('--older-than <span>', 'runs that ended so long ago: 12h, 30d', '30d')
    .option('--disk-max <size>', 'the room the log may take: 500MB, 2GiB')
    .option('--under-pressure <span>', 'while it takes more, runs that ended so long ago too')
    .option('--dry-run', 'only tell what would be moved')
    .action((options) =>
      act(async (call) => (await import('./log/archive.ts')).archive(call, options)),
    )
  log
    .command('segments')
    .description('list the sealed files that runs were moved to')
    .action(() => act(async (call) => (await import('./log/segments.ts')).segments(call)))
  log
    .command('stats')
    .description('tell how large the log is, and what it promises')
    .action(() => act(async (call) => (await import('./log/stats.ts')).stats(call)))
}
