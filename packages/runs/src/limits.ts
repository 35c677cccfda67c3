/** Every bound of a run, with its unit and its reason. */

/** @units bytes of canonical JSON a value may have inline; a larger one becomes a blob, where it
 * does not crowd the event and can be forgotten. */
export const INLINE_VALUE_BYTES_MAX = 4_096

/** @units bytes of canonical JSON a value may have at all: what one blob holds comfortably. */
export const VALUE_BYTES_MAX: number = 16 * 1_048_576

/** @units bytes of canonical JSON in `observed`: evidence is small, or it is the result. */
export const OBSERVED_BYTES_MAX = 8_192

/** @units bytes of blobs that wait for one append: with those of one more outcome, its result and
 * what it keeps, they still fit into the 64 MiB of a unit. */
export const UNIT_BLOB_BYTES_MAX: number = 32 * 1_048_576

/** @units bytes of UTF-8 of a full step id: what an event's `name` carries. */
export const STEP_ID_BYTES_MAX = 512

/** @units grants one append of a start can issue beside the run and its key. */
export const GRANTS_PER_APPEND = 14

/** @units grants a run may be bound to. */
export const GRANTS_MAX = 256

/** @units events a run gathers for one append: the rest waits for the next. */
export const UNIT_EVENTS_MAX = 256

/** @units streams an append guards at most; intents beyond it wait for the next append. */
export const UNIT_GUARDS_MAX = 64

/** @units budgets one append of a run writes at most: a unit has 16 streams, one of them the run's.
 * What a run that ends holds of more is not returned, and so counts as spent. */
export const UNIT_BUDGETS_MAX = 15

/** @units secrets one call carries: their chains have to fit into one append with the call's. */
export const SECRETS_PER_CALL_MAX = 8

/** @units milliseconds between two looks for what other processes wrote to a waiting run. */
export const WATCH_INTERVAL_MS = 20

/** @units links of a chain that are looked at for their ends: as many as authority follows. */
export const CHAIN_LINKS_MAX = 32

/** @units milliseconds between two looks for ends of the rights of effects in flight. */
export const RIGHTS_INTERVAL_MS = 20

/** @units events that a revoked effect names as its end: what `EffectRevoked` holds. */
export const RIGHTS_ENDED_BY_MAX = 16

/** @units refused answers of one question that are recorded: whoever may not answer must not be
 * able to fill the stream of a run, or to keep its owner from appending. */
export const REFUSED_ANSWERS_MAX = 16

/** @units standing approvals a run tries for a call; of more the newest. */
export const STANDING_MAX = 16

/** @units milliseconds an aborted handler has to clean up before it is given up. */
export const HANDLER_GRACE_MS = 10_000

/** @units milliseconds a program may be pending on nothing of ours before it is ended: time
 * enough for a dynamic import, and not enough to be taken for work. */
export const OUTSIDE_GRACE_MS = 1_000

/** @units conflicts in a row after which a run stops trying to append. */
export const CONFLICTS_MAX = 64

/** @units exact step ids kept before they are kept as 128-bit fingerprints. */
export const EXACT_IDS_MAX = 4_096

/** @units UTF-16 units of a reason or a prompt: prose for people, not a place for data. */
export const PROSE_CHARACTERS_MAX = 2_048

/** @units values given to a program that keep a label of their own (about 300 bytes each); older
 * ones share one that nobody can endorse. */
export const GIVEN_VALUES_MAX = 1_024

/** @units references a run holds: each keeps up to `INLINE_VALUE_BYTES_MAX` in its fold. */
export const HELD_VALUES_MAX = 1_024

/** @units parts of an input that are held: what the event of a start has room for. */
export const HELD_INPUTS_MAX = 16

/** @units bytes of canonical JSON of the labels of one call; more become one for the whole. */
export const LABELS_BYTES_MAX = 16_384

/** @units characters of a held value shown to a person who is asked about a call with it. */
export const PREVIEW_CHARACTERS_MAX = 512

/** @units times a drive refolds a run that keeps moving under it before it gives up. */
export const REFOLDS_MAX = 64

/** @units bytes of a recorded denial, with what it tells of its question; an event has 61,440. */
export const DENIAL_BYTES_MAX = 49_152

/** @units proposals of a run that an effect can name: the latest. */
export const PROPOSALS_MAX = 4_096

/** @units milliseconds a step waits at most: some 285 years, within what a time can say. */
export const WAIT_MS_MAX = 9_000_000_000_000

/** @units milliseconds until the next time at which a drive stays rather than suspends: to let go
 * of a run and take it up again costs two appends and a replay. */
export const STAY_MS_MAX = 250

/** @units event types a step waits for. */
export const AWAITED_TYPES_MAX = 64

/** @units branches of one fork: what the event that cancels them has room for. */
export const BRANCHES_MAX = 256

/** @units runs above a child: a deeper one is a program that calls itself without an end. */
export const DEPTH_MAX = 32

/** @units grants one child is given. */
export const CHILD_GRANTS_MAX = 64

/** @units milliseconds until a start of a child is tried again that could not reach the log. */
export const LOG_AWAY_MS = 250

/** @units signals that wait in the inbox of one run: who sends must not be able to fill a log. */
export const SIGNALS_WAITING_MAX = 10_000

/** @units bytes of canonical JSON of a value that a difference shows; of more, only the digest. */
export const TOLD_BYTES_MAX = 1_024

/** @units steps that are named as like the one that is missing. */
export const NEAREST_MAX = 3

/** @units unsettled steps among which the most alike are looked for. */
export const NEAREST_OF_MAX = 64

/** @units characters of an id by which the most alike are found: the work grows by its square. */
export const NEAREST_CHARACTERS_MAX = 128

/** @units steps beyond the record that a check names. */
export const BEYOND_MAX = 16

/** @units events of a fork beyond as many as are recorded: its times come as fast as they are
 * asked for. */
export const FORK_EVENTS_MAX = 10_000

/** @units streams of authority that are read for one decision that names none: a chain has 32
 * links, each with a budget, and a call carries 8 secrets. */
export const BASIS_STREAMS_MAX = 1_024

/** @units attempts of one effect: more are a loop of the program, where it can be seen. */
export const RETRY_ATTEMPTS_MAX = 1_000

/** @units codes that one policy names. */
export const RETRY_CODES_MAX = 64

/** @units times the wait before it: beyond this, two attempts are all there is. */
export const RETRY_FACTOR_MAX = 100

/** @units breakers of one composition: each call is held against them in turn. */
export const BREAKERS_MAX = 256

/** @units failures a breaker counts: their times are kept. */
export const BREAKER_FAILURES_MAX = 1_000

/** @units breakers one append of a run writes to because of how attempts ended. */
export const UNIT_BREAKERS_MAX = 4

/** @units streams one append writes to beside the run and its budgets, probes of breakers among
 * them: a unit has 16, and slices are drawn from up to 8 budgets. */
export const UNIT_NOTES_MAX = 6

/** @units conflicts in a row after which what a breaker is told is written at any version. */
export const BREAKER_CONFLICTS_MAX = 8

/** @units times one attempt is put off in a row before it is denied: each is an event. */
export const DEFERRALS_MAX = 1_000

/** @units calls of one batch: what its event counts. */
export const BATCH_ITEMS_MAX = 256

/** @units calls of a batch at work at once, unless its request says otherwise. */
export const BATCH_CONCURRENCY = 16

/** @units bytes of canonical JSON of the claims of a batch; of more only the digest is recorded. */
export const BATCH_CLAIMS_BYTES_MAX = 16_384

/** @units bytes of canonical JSON of one chunk: it is a part of what comes, not all of it. */
export const CHUNK_BYTES_MAX = 65_536

/** @units chunks that wait for one watcher; of more it is told how many it missed. */
export const CHUNKS_WAITING_MAX = 256
/** @units steps that a divergence tells of what the program asks for now. */
export const DIVERGED_STEPS_MAX = 6

/** @units characters at the end of ids that are compared to find those that are alike. */
export const NEAR_ID_CHARACTERS_MAX = 96

/** @units effects that a run stages: their intents stand in one append, with its commit. */
export const STAGED_MAX = 128

/** @units effects that stay as they are, which a view names; more are in the log. */
export const ABANDONED_TOLD_MAX = 256

/** @units attempts to undo one effect before it is given up: with the pauses, some minutes. */
export const COMPENSATION_ATTEMPTS = 6

/** @units milliseconds from the first attempt to undo an effect to the second. */
export const COMPENSATION_FIRST_MS = 1_000

/** @units times a pause between attempts is longer than the one before. */
export const COMPENSATION_FACTOR = 4

/** @units milliseconds between two attempts at most. */
export const COMPENSATION_MAX_MS = 300_000

/** @units milliseconds one attempt may take before it is told to stop: what was done in time is
 * undone in time, and a run must not hang on one that never comes back. */
export const COMPENSATION_TIMEOUT_MS = 300_000

/** @units rows that one question to the index gives. */
export const INDEX_PAGE_ROWS = 1_000

/** @units members of a list in a question to the index: what a supervisor drives, could not
 * drive, and picks in one go. */
export const INDEX_LIST_MAX = 2_000

/** @units runs that one supervisor drives at once, unless it is told. */
export const CONCURRENCY = 32

/** @units runs that one supervisor drives at once at most: each is a program in memory. */
export const CONCURRENCY_MAX = 500

/** @units runs that the first look of a supervisor takes at the most; the next takes the rest. */
export const FIRST_AT_ONCE = 4

/** @units milliseconds in which a busy supervisor lets ends of stretches come together, so that one
 * look serves them all. */
export const GATHER_MS = 4

/** @units milliseconds between two looks at the log of a supervisor that has nothing to do. */
export const LOOK_INTERVAL_MS = 20

/** @units milliseconds between two tellings of metrics, unless it is told. */
export const METRICS_INTERVAL_MS = 10_000

/** @units milliseconds between two tellings of metrics at most. */
export const METRICS_INTERVAL_MS_MAX = 3_600_000

/** @units milliseconds for which a reading of metrics serves whoever asks: it looks at every run
 * that is not ended, and who asks may be anybody on the network. */
export const METRICS_FRESH_MS = 1_000

/** @units commits whose times are kept: enough for a 99th percentile, 8 KB. */
export const COMMIT_TIMES_KEPT = 1_024

/** @units milliseconds after which a supervisor looks again, whatever it believes. */
export const LOOK_MS_MAX = 1_000

/** @units milliseconds between two questions after the owners of runs. */
export const OWNERS_INTERVAL_MS = 500

/** @units milliseconds after which a run that was started here, in no queue, and that nobody has
 * begun to drive, is driven by the supervisor: whoever started it comes first. */
export const OWN_GRACE_MS = 1_000

/** @units milliseconds after which a run that could not be driven is tried again; doubled each
 * time. */
export const SETBACK_MS_MIN = 500

/** @units milliseconds of the longest pause between two tries of one run. */
export const SETBACK_MS_MAX = 60_000

/** @units runs that could not be driven, and are remembered. */
export const SETBACKS_MAX = 400

/** @units takeovers of one run in a row, with nothing settled in between, after which it is
 * quarantined when its owner dies once more. */
export const CRASHES_MAX = 5

/** @units milliseconds until a turn that was refused is asked for again. */
export const TURN_INTERVAL_MS = 100

/** @units deadlines that have passed and are dealt with at a time. */
export const OVERDUE_AT_ONCE = 64

/** @units milliseconds a supervisor that is told to end waits for runs at work. */
export const DRAIN_MS = 30_000

/** @units schedules of a log that are not deleted: a worker goes through all of them at a look.
 * Processes that add at once may go past it by as many as they are. */
export const SCHEDULES_MAX = 1_000

/** @units UTF-16 units of the fields of cron: what an event carries. */
export const CRON_CHARACTERS_MAX = 256

/** @units UTF-16 units of the name of a time zone: what an event carries. */
export const ZONE_CHARACTERS_MAX = 64

/** @units tags of the runs of a schedule. */
export const SCHEDULE_TAGS_MAX = 64

/** @units milliseconds a start of a schedule may be late, unless it is told. */
export const CATCH_UP_MS = 3_600_000

/** @units milliseconds a start may be late at least: less, and a busy worker would start none. */
export const CATCH_UP_MS_MIN = 1_000

/** @units milliseconds a start may be late at most: what is later is another day's work. */
export const CATCH_UP_MS_MAX: number = 30 * 86_400_000

/** @units times of one schedule that are dealt with before others have their turn. */
export const SCHEDULE_FIRES_AT_ONCE = 64

/** @units milliseconds after which a time that waits for the end of a run is looked at again, also
 * when the log has not moved. */
export const SCHEDULE_LOOK_MS = 1_000

/** @units milliseconds after which a schedule that could not be fired is tried again. */
export const SCHEDULE_RETRY_MS = 5_000

/** @units events of a run that is taken up which are kept for its replay; more are read again. */
export const KEPT_EVENTS_MAX = 512
