/**
 * The command line: verbs, their options, and the words that explain them.
 *
 * Nothing is imported here that a verb needs: each is loaded when it is called, so that asking for
 * help costs little and one verb does not pay for another.
 */
import { Command } from 'commander'
import { GRANTS_HELP } from './args/grants-help.ts'
import { collect, priority, wholeNumberOf } from './args/values.ts'
import { createInvocation, type GlobalOptions, type Host, type Invocation } from './invocation.ts'
import type { Door } from './main.ts'
import { type Act, logCommands } from './verbs/log.ts'
import { scheduleCommands } from './verbs/schedule-commands.ts'
import { travelCommands } from './verbs/travel.ts'

/** A command line, and where the exit code of its verb goes. */
export interface CommandLine {
  readonly program: Command
  /** The exit code of the verb that ran. */
  readonly exit: () => number
  /** What the verb worked with, as soon as one was chosen. */
  readonly invocation: () => Invocation | undefined
}

const EXIT_HELP = `
The store: --store, else ICE_STORE, else ice.config.json, else .ice/ice.db. A path
            is a log in a file, postgres://user@host/database?schema=ice one on
            a server; its password belongs in PGPASSWORD or ~/.pgpass

Exit codes: 0 ok, 1 unexpected, 2 usage, 3 not found, 4 conflict, 5 denied,
            6 verification failed, 7 waits for a person, 8 run aborted,
            9 a decision would flip, 128+n signal n
`

/** Builds the command line. */
export function commandLine(door: Door, host: Host): CommandLine {
  let exit = 0
  let invocation: Invocation | undefined
  const program = new Command('ice')
  const act: Act = async (verb) => {
    invocation = createInvocation(program.opts<GlobalOptions>(), host, door)
    exit = await verb(invocation)
  }
  program
    .description('Runs programs whose every effect is authorised and recorded.')
    .version(door.version, '-V, --version')
    .option('--store <store>', 'the log: a path, or postgres://… (else ICE_STORE, see below)')
    .option('--config <file>', 'the configuration (else ice.config.json in this folder)')
    .option('--no-config', 'no configuration')
    .option('--json', 'one JSON document on stdout; failures as JSON on stderr')
    .option('--jsonl', 'lists as one JSON value a line')
    .option('--quiet', 'nothing on stderr but failures')
    .addHelpText('after', EXIT_HELP)
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({ outputError: () => undefined, writeErr: () => undefined })
    .exitOverride()
  // Commander would make a default out of `--no-config`; here, absence means: look for one.
  program.setOptionValue('config', undefined)
  driving(program, act)
  reading(program, act)
  judging(program, act)
  travelCommands(program, act)
  scheduleCommands(program, act)
  commanding(program, act)
  holding(program, act)
  caring(program, act)
  logCommands(program, act)
  return { program, exit: () => exit, invocation: () => invocation }
}

function driving(program: Command, act: Act): void {
  program
    .command('run')
    .description('start a program and drive it')
    .argument('<program>', 'a name, or a file: ./program.ts, ./programs.ts#name')
    .option('--input <json>', "the input: JSON, @file, or - for stdin (default '{}')")
    .option('--grant <grant>', 'what the run may do; repeatable, see below', collect, [])
    .option(
      '--label <pointer=source>',
      'where a part of the input comes from; repeatable',
      collect,
      [],
    )
    .option('--reader <pointer=reader>', 'who may read a part of it; repeatable', collect, [])
    .option('--hold <pointer>', 'a part the program is not to see; repeatable', collect, [])
    .option('--key <key>', 'start at most one run under this key')
    .option('--tag <key=value>', 'a mark to find the run by; repeatable', collect, [])
    .option('--agent <id>', 'the agent it acts for: `ice stop agent/<id>` stops it')
    .option('--session <id>', 'the session it belongs to')
    .option('--queue <name>', 'only start it: a worker takes it from this queue')
    .option('--concurrency-key <key>', 'so many runs with it at once as workers are told')
    .option('--priority <n>', 'before others of its queue, -1000 to 1000', priority)
    .option('--deadline <time>', 'when it is to be over: 2h, 7d, or 2030-01-31T12:00:00Z')
    .option('--wait', 'stay while others are asked, instead of leaving it suspended')
    .option('--yes', 'approve what the run asks for')
    .addHelpText('after', GRANTS_HELP)
    .action((word, options) =>
      act(async (call) => (await import('./verbs/run.ts')).run(call, word, options)),
    )
  program
    .command('worker')
    .description('drive the runs of the log until SIGTERM, then drain')
    .argument('<program...>', 'names or files, several versions of one too')
    .option('--queues <names>', 'only of these queues, with commas in between')
    .option(
      '--concurrency <n>',
      'runs at once (default 32, at most 500)',
      wholeNumberOf('--concurrency'),
    )
    .option('--drain <seconds>', 'how long runs at work may take to end (default 30)')
    .option('--health <[host:]port>', 'answer GET /livez and /readyz there')
    .action((words, options) =>
      act(async (call) => (await import('./verbs/worker.ts')).worker(call, words, options)),
    )
  program
    .command('resume')
    .description('go on with runs that were stopped, killed or answered')
    .argument('[run...]', 'ids, or the beginnings of ids')
    .option('--all', 'every run that has something to go on with')
    .option('--program <file>', 'the file of the program, where its name is not enough')
    .option('--wait', 'stay while others are asked')
    .option('--yes', 'approve what the runs ask for')
    .action((typed, options) =>
      act(async (call) => (await import('./verbs/resume.ts')).resume(call, typed, options)),
    )
}

function reading(program: Command, act: Act): void {
  program
    .command('runs')
    .description('list the runs, newest first')
    .option('--where <condition>', 'queue=mail, tag.tenant=acme, …; repeatable', collect, [])
    .option('--state <state>', 'only in this state')
    .option('--program <name>', 'only of this program')
    .option('--waiting', 'only those that wait for a person')
    .option('--in-doubt', 'only those with an effect in doubt')
    .option('--quarantined', 'only those that are set aside')
    .option('--open', 'only those that have not ended')
    .option('--limit <n>', 'at most so many (default 50)', wholeNumberOf('--limit'))
    .action((options) => act(async (call) => (await import('./verbs/runs.ts')).runs(call, options)))
  program
    .command('show')
    .description('tell the story of a run')
    .argument('<run>', 'an id, or the beginning of one')
    .option('--follow', 'go on with what comes')
    .option('--at <version>', 'as it was when its stream had so many events', wholeNumberOf('--at'))
    .action((typed, options) =>
      act(async (call) => (await import('./verbs/show.ts')).show(call, typed, options)),
    )
  program
    .command('events')
    .description('list the events of the log')
    .option('--stream <prefix>', 'only of streams that begin so: run/, grant/0190…')
    .option('--type <type>', 'only of this type; repeatable', collect, [])
    .option('--after <position>', 'only after this position; "head" for what is to come')
    .option('--limit <n>', 'at most so many', wholeNumberOf('--limit'))
    .option('--follow', 'go on with what comes, whoever writes it')
    .option('--raw', 'the stored bytes, one event a line')
    .action((options) =>
      act(async (call) => (await import('./verbs/events.ts')).events(call, options)),
    )
  program
    .command('why')
    .description('explain an event: who allowed it, under what, with what outcome')
    .argument('<event>', 'a position (42), or an id (run/<id>@7)')
    .action((typed) => act(async (call) => (await import('./verbs/why.ts')).why(call, typed)))
  program
    .command('grants')
    .description('show who may do what, as a tree from the roots')
    .option('--run <run>', 'only those that this run holds, or was bound to')
    .option('--holder <holder>', 'only of this holder: run/<id>, agent/<id>, principal/<id>')
    .option('--under <grant>', 'only this grant and what is below it')
    .option('--live', 'only those that still authorise something')
    .option('--active', 'the same as --live')
    .option(
      '--limit <n>',
      'at most so many (default 1,000 for people, all as JSON)',
      wholeNumberOf('--limit'),
    )
    .option('--dot', 'as a graph, for Graphviz')
    .action((options) =>
      act(async (call) => (await import('./verbs/grants.ts')).grants(call, options)),
    )
}

function judging(program: Command, act: Act): void {
  program
    .command('backtest')
    .description('judge the decisions of the log again under a change, and list those that flip')
    .option('--policy <file>', 'under this policy, in Cedar, and no other')
    .option('--policy-schema <file>', 'its schema')
    .option('--policy-entities <file>', 'its entities, as JSON')
    .option('--policy-default <verdict>', 'for what it does not speak of: deny (default) or permit')
    .option('--revoke <grant>', 'as if the grant had been revoked when it was issued')
    .option('--caveat <grant-json...>', 'a grant, and a caveat that it would have had, too')
    .option('--replace <grant-file...>', 'a grant, and a JSON file with what would be different')
    .option('--expire <grant-time...>', 'a grant, and the time it would have ended at')
    .option('--run <run>', 'only decisions of this run')
    .option('--since <when>', 'only from this position, or this time, on')
    .option('--program <file>', 'a program whose file brings kinds of resources along')
    .option('--all', 'list those that stay as they were, too')
    .action((options) =>
      act(async (call) => (await import('./verbs/backtest.ts')).backtest(call, options)),
    )
}

function commanding(program: Command, act: Act): void {
  program
    .command('revoke')
    .description('end a grant and everything below it')
    .argument('<grant>', 'an id, or the beginning of one')
    .option('--reason <text>', 'why')
    .option('--compensations', 'also end the rights to undo what was done under it')
    .option('--dry-run', 'only show what would be ended')
    .action((typed, options) =>
      act(async (call) => (await import('./verbs/revoke.ts')).revoke(call, typed, options)),
    )
  program
    .command('stop')
    .description('end authority for a whole scope, or list what was stopped')
    .argument('[scope]', 'all, run/<run>, agent/<agent>, session/<session>, operator/<principal>')
    .option('--reason <text>', 'why')
    .option('--lift', 'give it back')
    .option('--dry-run', 'only show what would be stopped')
    .action((typed, options) =>
      act(async (call) => (await import('./verbs/stop.ts')).stop(call, typed, options)),
    )
  for (const approved of [true, false]) {
    const verb = program
      .command(approved ? 'approve' : 'reject')
      .description(approved ? 'allow what a run waits for' : 'refuse what a run waits for')
      .argument('<run>', 'an id, or the beginning of one')
      .argument('[step]', 'the step; left out, the only one that waits')
      .option('--comment <text>', 'what is to be recorded with it')
      .option('--digest <digest>', 'only if it still is exactly this call')
    if (approved) {
      verb
        .option('--always', 'and what is like it from now on, without being asked')
        .option('--covers <what>', 'call: these arguments; place: any there; action: anywhere')
        .option('--holder <who>', 'run, agent or session (default run)')
        .option('--count <n>', 'at most so many times')
        .option('--until <time>', 'no longer than 90s, 2h, 7d, or 2030-01-31T12:00:00Z')
        .option('--dry-run', 'only show what would be approved')
    }
    verb.action((run, step, options) =>
      act(async (call) =>
        (await import('./verbs/answer.ts')).answer(call, { run, step, approved }, options),
      ),
    )
  }
  program
    .command('resolve')
    .description('say what became of an effect in doubt')
    .argument('<run>', 'an id, or the beginning of one')
    .argument('[step]', 'the step; left out, the only one in doubt')
    .option('--happened', 'it took place')
    .option('--did-not-happen', 'it did not')
    .option('--evidence <text>', 'how that is known')
    .option('--result <json>', 'what the program is to be given, if it happened')
    .action((run, step, options) =>
      act(async (call) =>
        (await import('./verbs/answer.ts')).resolveDoubt(call, { run, step }, options),
      ),
    )
  labelling(program, act)
  cancelling(program, act)
  program
    .command('abort')
    .description('end a run without a result')
    .argument('<run>', 'an id, or the beginning of one')
    .option('--reason <text>', 'why')
    .option('--force', 'now, whoever drives it')
    .action((typed, options) =>
      act(async (call) => (await import('./verbs/abort.ts')).abort(call, typed, options)),
    )
}

function holding(program: Command, act: Act): void {
  program
    .command('quarantine')
    .description('set runs aside: nobody drives them until they are released')
    .argument('[run...]', 'ids, or the beginnings of ids')
    .option('--where <condition>', 'queue=mail, tag.tenant=acme, …; repeatable', collect, [])
    .option('--reason <text>', 'why')
    .option('--dry-run', 'only show which')
    .action((typed, options) =>
      act(async (call) => (await import('./verbs/quarantine.ts')).quarantine(call, typed, options)),
    )
  program
    .command('release')
    .description('let runs go on that were set aside')
    .argument('[run...]', 'ids, or the beginnings of ids')
    .option('--where <condition>', 'queue=mail, tag.tenant=acme, …; repeatable', collect, [])
    .option('--reason <text>', 'why')
    .option('--dry-run', 'only show which')
    .action((typed, options) =>
      act(async (call) => (await import('./verbs/quarantine.ts')).release(call, typed, options)),
    )
}

function cancelling(program: Command, act: Act): void {
  program
    .command('cancel')
    .description('end all runs that fit, without a result')
    .option('--where <condition>', 'queue=mail, tag.tenant=acme, …; repeatable', collect, [])
    .option('--reason <text>', 'why')
    .option('--dry-run', 'only show which')
    .action((options) =>
      act(async (call) => (await import('./verbs/cancel.ts')).cancel(call, options)),
    )
}

function labelling(program: Command, act: Act): void {
  program
    .command('endorse')
    .description('vouch for a value of a run: where it came from no longer counts')
    .argument('<run>', 'an id, or the beginning of one')
    .argument('[step]', 'the step that gave the value; $input for the input')
    .option('--source <source>', 'a source that no longer counts; repeatable', collect, [])
    .option('--all-sources', 'all that it comes from')
    .option('--reason <text>', 'why')
    .option('--digest <digest>', 'only if it still is exactly this value')
    .option('--dry-run', 'only show the value and its label; without a step, all of them')
    .action((run, step, options) =>
      act(async (call) => (await import('./verbs/label.ts')).endorse(call, { run, step }, options)),
    )
  program
    .command('declassify')
    .description('let more people read a value of a run')
    .argument('<run>', 'an id, or the beginning of one')
    .argument('[step]', 'the step that gave the value; $input for the input')
    .option('--reader <reader>', 'who may read it too; repeatable', collect, [])
    .option('--everyone', 'all may read it')
    .option('--reason <text>', 'why')
    .option('--digest <digest>', 'only if it still is exactly this value')
    .option('--dry-run', 'only show the value and its label; without a step, all of them')
    .action((run, step, options) =>
      act(async (call) =>
        (await import('./verbs/label.ts')).declassify(call, { run, step }, options),
      ),
    )
}

function caring(program: Command, act: Act): void {
  program
    .command('verify')
    .description('check that the log is what was written')
    .argument('[path]', 'a log or a backup; left out, the store')
    .option('--noted <size:root>', 'what an earlier verification noted; repeatable', collect, [])
    .action((typed, options) =>
      act(async (call) => (await import('./verbs/verify.ts')).verify(call, typed, options)),
    )
  program
    .command('backup')
    .description('copy the log as it stands: the same as `ice log backup`')
    .argument('<path>', 'a file that is not there yet')
    .action((typed) =>
      act(async (call) => (await import('./verbs/log/backup.ts')).backup(call, typed)),
    )
  program
    .command('doctor')
    .description('check this machine, this folder and this log')
    .action(() => act(async (call) => (await import('./verbs/doctor.ts')).doctor(call)))
}
