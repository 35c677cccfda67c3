/** Rows, turns and owners that are broken in one respect each: the kits have to notice. */
import type { Timestamp } from '@ice/primitives'
import { systemClock } from '@ice/primitives'
import { memoryOwnership, memoryRunRows, memoryTurns } from '../src/index.ts'
import type { Ownership, RunRow, RunRows, Turn, TurnRequest, Turns } from '../src/ports.ts'

/** A way of breaking a subject. */
export interface Saboteur<Subject> {
  readonly id: string
  readonly breaks: string
  open(): Subject
}

type Spoil<Subject> = (sound: Subject) => Partial<Subject>

function rows(id: string, breaks: string, spoil: Spoil<RunRows>): Saboteur<RunRows> {
  const open = (): RunRows => {
    const sound = memoryRunRows()
    return { ...sound, ...spoil(sound) }
  }
  return { id, breaks, open }
}

/** Changes what `find` and `ready` give. */
function gives(change: (rows: readonly RunRow[]) => readonly RunRow[]): Spoil<RunRows> {
  return (sound) => ({ find: async (query) => change(await sound.find(query)) })
}

const withoutMember = (name: 'tags' | 'listens' | 'doubts') => {
  const empty = { tags: {}, listens: [], doubts: [] }[name]
  return gives((all) => all.map((row) => ({ ...row, [name]: empty })))
}

export const rowSaboteurs: readonly Saboteur<RunRows>[] = [
  rows('forgets-tags', 'RUN-R160', withoutMember('tags')),
  rows('forgets-doubts', 'RUN-R160', withoutMember('doubts')),
  rows('forgets-what-is-listened-for', 'RUN-R160', withoutMember('listens')),
  rows('begins-somewhere', 'RUN-R160', (sound) => ({
    mark: async () => (await sound.mark()) ?? { incarnation: '', position: 0 },
  })),
  rows('takes-stale-moves', 'RUN-R160', (sound) => ({
    move: async (move) => sound.move({ ...move, from: await sound.mark() }),
  })),
  rows('compares-positions-only', 'RUN-R160', (sound) => ({
    async move(move) {
      const mark = await sound.mark()
      const isThere = mark !== null && mark.position === move.from?.position
      return sound.move(isThere ? { ...move, from: mark } : move)
    },
  })),
  rows('resets-before-it-refuses', 'RUN-R160', (sound) => ({
    async move(move) {
      if (move.reset !== true) return sound.move(move)
      const mark = await sound.mark()
      const to = mark ?? { incarnation: '', position: 0 }
      await sound.move({ from: mark, to, rows: [], reset: true })
      return sound.move({ ...move, from: mark === null && move.from === null ? to : move.from })
    },
  })),
  rows('never-resets', 'RUN-R160', (sound) => ({
    move: (move) => sound.move({ ...move, reset: false }),
  })),
  rows('keeps-the-first-row', 'RUN-R160', (sound) => ({
    async move(move) {
      const runs = move.rows.map(({ run }) => run).slice(0, 1_000)
      const known = new Set((await sound.find({ runs })).map(({ run }) => run))
      return sound.move({ ...move, rows: move.rows.filter(({ run }) => !known.has(run)) })
    },
  })),
  rows('marks-without-rows-not', 'RUN-R160', (sound) => ({
    move: async (move) => {
      if (move.rows.length > 0 || move.reset === true) return sound.move(move)
    },
  })),
  rows('keeps-what-it-is-given', 'RUN-R160', (sound) => {
    const given = new Map<string, RunRow>()
    return {
      async move(move) {
        await sound.move(move)
        for (const row of move.rows) given.set(row.run, row)
      },
      find: async (query) => (await sound.find(query)).map((row) => given.get(row.run) ?? row),
    }
  }),
  rows('loses-after-a-thousand', 'RUN-R160', (sound) => ({
    move: (move) => sound.move({ ...move, rows: move.rows.slice(0, 1_000) }),
  })),
  ...(
    [
      'runs',
      'lines',
      'states',
      'standings',
      'programs',
      'queues',
      'tags',
      'key',
      'parent',
      'owner',
      'inDoubt',
      'listensFor',
      'from',
      'before',
      'deadlineBefore',
    ] as const
  ).map((name) =>
    rows(`does-not-look-at-${name}`, 'RUN-R162', (sound) => ({
      async find(query) {
        const { [name]: _, ...rest } = query
        return sound.find(rest)
      },
    })),
  ),
  rows('joins-by-or', 'RUN-R162', (sound) => ({
    async find(query) {
      const { inDoubt, programs, queues, ...rest } = query
      if (inDoubt === undefined || (programs ?? queues) === undefined) return sound.find(query)
      const doubts = await sound.find({ ...rest, inDoubt })
      const other = await sound.find({ ...rest, ...(queues === undefined ? {} : { queues }) })
      return [...new Map([...doubts, ...other].map((row) => [row.run, row])).values()]
    },
  })),
  rows('pages-inclusively', 'RUN-R162', (sound) => ({
    async find(query) {
      const page = await sound.find(query)
      if (query.after === undefined) return page
      const at = await sound.find({ runs: [query.after] })
      return [...at, ...page].slice(0, query.limit ?? 100)
    },
  })),
  rows('never-goes-backwards', 'RUN-R162', (sound) => ({
    find: ({ backwards: _, ...query }) => sound.find(query),
  })),
  rows('takes-any-limit', 'RUN-R162', (sound) => ({
    find: ({ limit = 100, ...query }) =>
      sound.find({ ...query, limit: Math.min(Math.max(Math.trunc(limit) || 1, 1), 1_000) }),
  })),
  rows('ignores-priority', 'RUN-R163', (sound) => ({
    ready: async (query) =>
      [...(await sound.ready(query))].sort((a, b) =>
        a.queue === b.queue ? a.since - b.since : a.queue < b.queue ? -1 : 1,
      ),
  })),
  rows('ignores-age', 'RUN-R163', (sound) => ({
    ready: async (query) =>
      [...(await sound.ready(query))].sort((a, b) =>
        a.queue === b.queue ? b.priority - a.priority || (a.run < b.run ? -1 : 1) : 0,
      ),
  })),
  rows('wakes-nobody', 'RUN-R163', (sound) => ({
    ready: (query) => sound.ready({ ...query, now: 0 as Timestamp }),
  })),
  rows('wakes-early', 'RUN-R163', (sound) => ({
    ready: (query) => sound.ready({ ...query, now: (query.now + 1) as Timestamp }),
  })),
  rows('wakes-late', 'RUN-R163', (sound) => ({
    ready: (query) => sound.ready({ ...query, now: (query.now - 1) as Timestamp }),
  })),
  rows('tells-no-due-time', 'RUN-R163', (sound) => ({
    ready: async (query) =>
      (await sound.ready(query)).map((row) =>
        row.until === null ? row : { ...row, since: row.createdAt },
      ),
  })),
  rows('takes-any-version', 'RUN-R163', (sound) => ({
    ready: (query) =>
      sound.ready({
        ...query,
        programs: query.programs.flatMap(({ name }) =>
          ['1', '2'].map((version) => ({ name, version })),
        ),
      }),
  })),
  rows('takes-what-is-held', 'RUN-R163', (sound) => ({
    async ready(query) {
      const held = await sound.find({ standings: ['held'] })
      return [...(await sound.ready(query)), ...held]
    },
  })),
  rows('limits-all-queues-together', 'RUN-R163', (sound) => ({
    ready: async (query) => (await sound.ready(query)).slice(0, query.perQueue),
  })),
  rows('gives-any-queue', 'RUN-R163', (sound) => ({
    ready: ({ queues: _, ...query }) => sound.ready(query),
  })),
  rows('gives-busy-keys', 'RUN-R163', (sound) => ({
    ready: ({ keysBusy: _, ...query }) => sound.ready(query),
  })),
  rows('gives-what-is-excepted', 'RUN-R163', (sound) => ({
    ready: ({ except: _, ...query }) => sound.ready(query),
  })),
  rows('tells-what-is-past', 'RUN-R164', (sound) => ({
    outlook: () => sound.outlook(0 as Timestamp),
  })),
  rows('sees-no-deadline', 'RUN-R164', (sound) => ({
    outlook: async (now) => ({ ...(await sound.outlook(now)), nextDeadline: null }),
  })),
  rows('sees-no-owner', 'RUN-R164', (sound) => ({
    outlook: async (now) => ({ ...(await sound.outlook(now)), owners: [] }),
  })),
  rows('counts-the-ended', 'RUN-R164', (sound) => ({
    async counts(now) {
      const ended = await sound.find({ standings: ['ended'] })
      return (await sound.counts(now)).map((count) => ({
        ...count,
        runs: count.runs + ended.length,
      }))
    },
  })),
]

function turns(id: string, breaks: string, spoil: Spoil<Turns>): Saboteur<Turns> {
  const open = (): Turns => {
    const sound = memoryTurns({ clock: systemClock })
    return { ...sound, ...spoil(sound) }
  }
  return { id, breaks, open }
}

const asking = (change: (request: TurnRequest) => TurnRequest): Spoil<Turns> => {
  return (sound) => ({ take: (request) => sound.take(change(request)) })
}

export const turnSaboteurs: readonly Saboteur<Turns>[] = [
  turns(
    'knows-no-keys',
    'RUN-R166',
    asking((request) => ({ ...request, key: null })),
  ),
  turns(
    'has-one-turn-for-a-key',
    'RUN-R166',
    asking((request) => ({ ...request, keyMax: 1 })),
  ),
  turns(
    'knows-no-queues',
    'RUN-R166',
    asking((request) => ({ ...request, queueMax: null })),
  ),
  turns(
    'knows-no-rates',
    'RUN-R166',
    asking((request) => ({ ...request, rate: null })),
  ),
  turns('takes-from-anybody', 'RUN-R166', (sound) => ({
    async give(run) {
      for (const owner of await sound.owners()) await sound.give(run, owner)
    },
  })),
  turns('gives-a-run-to-two', 'RUN-R166', (sound) => ({
    async take(request) {
      const turn = await sound.take(request)
      return turn.kind === 'run' ? { kind: 'taken' } : turn
    },
  })),
  turns('never-gives-back', 'RUN-R166', () => ({ give: async () => undefined })),
  turns('keeps-the-dead', 'RUN-R166', () => ({ drop: async () => undefined })),
  turns('tells-no-owner', 'RUN-R166', () => ({ owners: async () => [] })),
  turns('counts-what-it-refused', 'RUN-R166', (sound) => {
    const without = (request: TurnRequest): TurnRequest => ({ ...request, key: null })
    return {
      async take(request): Promise<Turn> {
        const counted = await sound.take(without(request))
        if (counted.kind !== 'taken') return counted
        await sound.give(request.run, request.owner)
        return sound.take({ ...request, rate: null })
      },
    }
  }),
  turns('sees-only-its-own', 'RUN-R167', (sound) => {
    const others = memoryTurns({ clock: systemClock })
    return {
      take: (request) => (request.owner === 'bob' ? others : sound).take(request),
      drop: async (owner) => {
        await others.drop(owner)
        await sound.drop(owner)
      },
      owners: async () => [...(await sound.owners()), ...(await others.owners())],
    }
  }),
]

function owners(id: string, spoil: (sound: Ownership) => Partial<Ownership>): Saboteur<Ownership> {
  const group = memoryOwnership()
  let count = 0
  const open = (): Ownership => {
    count += 1
    const sound = group.join(`${id}-${count}`)
    return { ...sound, ...spoil(sound) }
  }
  return { id, breaks: 'RUN-R165', open }
}

export const ownerSaboteurs: readonly Saboteur<Ownership>[] = [
  owners('is-never-sure', () => ({ isSure: () => false })),
  owners('is-always-sure', () => ({ isSure: () => true })),
  owners('takes-all-for-alive', () => ({ status: async () => 'alive' as const })),
  owners('takes-all-for-dead', () => ({ status: async () => 'dead' as const })),
  owners('takes-others-for-dead', (sound) => ({
    status: async (owner) => (owner === sound.self ? 'alive' : 'dead'),
  })),
]
