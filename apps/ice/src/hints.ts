/** What to do about a failure, for codes of other packages that cannot know the command. */

const BY_CODE: Readonly<Record<string, readonly string[]>> = {
  ICE_RUNS_NOT_FOUND: ['`ice runs` lists the runs of this log'],
  ICE_RUNS_STEP_NOT_FOUND: ['`ice runs --waiting` lists the runs that wait for a person'],
  ICE_RUNS_STEP_CONFLICT: ['look at it again: `ice show <run>`'],
  ICE_RUNS_RIGHT_ENDED_CONFLICT: ['`ice resume <run>` goes on with it, and denies the effect'],
  ICE_RUNS_LABEL_CONFLICT: ['`ice endorse <run> --dry-run` shows the values and their labels'],
  ICE_RUNS_KEY_CONFLICT: ['use another --key, or the input the key was first used with'],
  ICE_RUNS_INPUT_UNSUPPORTED: ['give the input with --input, as JSON, @file or - for stdin'],
  ICE_RUNS_GRANTS_UNSUPPORTED: [
    "give it with --grant '<name>=<action>,<action>:<resource>', or in ice.config.json",
  ],
  ICE_RUNS_PROGRAM_NOT_FOUND: [
    'name the file with --program <file>, or list it under "programs" in ice.config.json',
  ],
  ICE_RUNS_CONCLUDED_CONFLICT: ['`ice show <run>` tells how it ended'],
  ICE_RUNS_HANDLER_NOT_FOUND: ['name the file that brings it: `ice resume <run> --program <file>`'],
  ICE_RUNS_NOT_QUARANTINED_CONFLICT: ['`ice runs --quarantined` lists the runs that are set aside'],
  ICE_RUNS_OWNERSHIP_CONFLICT: ['`ice show <run> --follow` watches it'],
  ICE_CAPABILITIES_GRANT_NOT_FOUND: ['`ice grants` lists the grants of this log'],
  ICE_CAPABILITIES_GRANT_UNSUPPORTED: ['`ice run --help` shows the grammar of grants'],
  ICE_EVENTS_EVENT_NOT_FOUND: ['`ice events` lists the events of this log'],
  ICE_EVENTS_CORRUPT: ['`ice verify` tells what is wrong with the log'],
  ICE_EVENTS_BLOB_CORRUPT: ['`ice verify` tells what is wrong with the log'],
  ICE_EVENTS_IMPORT_CORRUPT: [
    'export the log again, or fetch the file again; what was imported before can be gone on with',
  ],
  ICE_EVENTS_IMPORT_CONFLICT: ['import into another --store: one that is not there yet'],
  ICE_EVENTS_FORMAT_UNSUPPORTED: ['use a newer program'],
  ICE_EVENTS_POSTGRES_FORMAT_UNSUPPORTED: [
    'a log of an older format is brought to this one by whoever writes to it, like `ice worker`',
  ],
  ICE_EVENTS_POSTGRES_SCHEMA_UNSUPPORTED: ['name another schema: postgres://…?schema=<name>'],
  ICE_EVENTS_SQLITE_BACKUP_CORRUPT: ['try an earlier backup'],
  ICE_EVENTS_SQLITE_BACKUP_CONFLICT: ['choose a path where nothing is yet'],
}

/** What to do about a store that cannot be used, by the reason that it gives. */
const BY_REASON: Readonly<Record<string, readonly string[]>> = {
  authentication: ['give the password in PGPASSWORD, or in a line of ~/.pgpass'],
  connection: ['`ice doctor` looks at the store alone'],
  permission: [
    'verbs that look need USAGE of the schema and SELECT on its tables, others all of it',
  ],
  timeout: ['look in pg_stat_activity for what it waited for, then try again'],
}

/** What the reader can do now. */
export function nextSteps(error: unknown): readonly string[] {
  if (typeof error !== 'object' || error === null) return []
  const { next, code, data } = error as Readonly<Record<'next' | 'code' | 'data', unknown>>
  if (Array.isArray(next)) return next.filter((step) => typeof step === 'string')
  const reason = code === 'ICE_EVENTS_UNAVAILABLE' ? (data as { reason?: unknown }).reason : null
  if (typeof reason === 'string' && Object.hasOwn(BY_REASON, reason)) return BY_REASON[reason] ?? []
  return typeof code === 'string' && Object.hasOwn(BY_CODE, code) ? (BY_CODE[code] ?? []) : []
}
