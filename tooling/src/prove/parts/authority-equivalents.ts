/**
 * Mutants of the kernel that change nothing anybody could see, each group with its reason.
 *
 * They are named as `mutants/exempt.ts` says. Who adds one has looked for a test that notices it.
 */
import type { Exemption } from '../../mutants/exempt.ts'

export const EQUIVALENTS: readonly Exemption[] = [
  {
    why: 'The quick way to a yes is one that need not be taken: of what it leaves, the slow way has the word. That both agree is tested (`fast-path.test.ts`).',
    mutants: [
      'decide.ts | if (plainKind === undefined || stopsAgainst(state.stops, asked).length > 0) return false | stopsAgainst(state.stops, asked).length > 0 -> stopsAgainst(state.stops, asked).length >= 0',
      'decide.ts | if (chain.guardsParty?.run !== run && !isRunId(run)) return false | chain.guardsParty?.run !== run && !isRunId(run) -> (chain.guardsParty?.run !== run) || (!isRunId(run))',
      'decide.ts | if (at < chain.notBefore || at >= chain.until || !chain.actions.includes(action)) return false | at < chain.notBefore -> at <= chain.notBefore',
      'decide.ts | return true | true -> false',
      'chain.ts | plainKind: breakage === undefined && links.every(isPlain) ? links[0]?.kind : undefined, | breakage === undefined && links.every(isPlain) ? links[0]?.kind : undefined -> undefined',
      'chain.ts | plainKind: breakage === undefined && links.every(isPlain) ? links[0]?.kind : undefined, | 0 -> 1',
      'chain.ts | until: Math.min(...grants.map((grant) => grant.expiresAt ?? Number.POSITIVE_INFINITY)), | grant.expiresAt ?? Number.POSITIVE_INFINITY -> grant.expiresAt',
      'chain.ts | claims: links.filter((link) => !link.sameAsBelow).map((link) => link.grant.resource), | links.filter((link) => !link.sameAsBelow) -> links',
      'chain.ts | const isWhole = kind !== undefined && resourceFault === undefined | kind !== undefined -> kind === undefined',
      'chain.ts | const all = first?.actions ?? [] | first?.actions ?? [] -> []',
      'chain.ts | return all.every(isCommon) ? all : all.filter(isCommon) | all.every(isCommon) ? all : all.filter(isCommon) -> all.filter(isCommon)',
    ],
  },
  {
    why: 'What is kept is what would be made anew: it costs time alone.',
    mutants: [
      'chain.ts | entry.chain = chain | entry.chain = chain left out',
      'chain.ts | if (isKept) return chain.guards | isKept -> false',
      'chain.ts | chain.guards = guards | chain.guards = guards left out',
      'chain.ts | chain.guardsParty = stops.size === 0 ? { run, agent, session, principal } : undefined | chain.guardsParty = stops.size === 0 ? { run, agent, session, principal } : undefined left out',
      'chain.ts | chain.guardsParty = stops.size === 0 ? { run, agent, session, principal } : undefined | stops.size === 0 ? { run, agent, session, principal } : undefined -> { run, agent, session, principal }',
      'chain.ts | chain.guardsParty = stops.size === 0 ? { run, agent, session, principal } : undefined | stops.size === 0 ? { run, agent, session, principal } : undefined -> undefined',
      'chain.ts | chain.guardsParty = stops.size === 0 ? { run, agent, session, principal } : undefined | stops.size === 0 -> stops.size !== 0',
      'chain.ts | chain.guardsParty = stops.size === 0 ? { run, agent, session, principal } : undefined | 0 -> 1',
      'policy.ts | chain.governed = { from: guards, guard, guards: all } | chain.governed = { from: guards, guard, guards: all } left out',
      'decide.ts | standing === null && plan.allotments.length === 0 | standing === null && plan.allotments.length === 0 ? guards : [...guards, ...more, ...budgetGuards(plan)] -> [...guards, ...more, ...budgetGuards(plan)]',
      'decide.ts | return plainKind === undefined ? endOf(links, at, expiresAt) : expiresAt | plainKind === undefined ? endOf(links, at, expiresAt) : expiresAt -> endOf(links, at, expiresAt)',
      'chain.ts | isLimited: links.some((link) => link.caveats.limits.length > 0), | link.caveats.limits.length > 0 -> link.caveats.limits.length >= 0',
      'caveat.ts | return caveats.length === 0 ? NO_RULES : caveats.reduce(addRule, NO_RULES) | caveats.length === 0 ? NO_RULES : caveats.reduce(addRule, NO_RULES) -> caveats.reduce(addRule, NO_RULES)',
    ],
  },
  {
    why: 'Causes are told in the order of their codes, and of this code there is one at most.',
    mutants: [
      'decide.ts | if (!isHeld) causes.push(otherHolder(chain, asked)) | causes.push(otherHolder(chain, asked)) -> causes.unshift(otherHolder(chain, asked))',
      'decide.ts | if (chain.breakage !== undefined) causes.push(broken(chain.breakage)) | causes.push(broken(chain.breakage)) -> causes.unshift(broken(chain.breakage))',
      'decide.ts | if (cause !== undefined) causes.push(cause) | causes.push(cause) -> causes.unshift(cause)',
      'policy.ts | if (mismatch !== undefined) causes.push(mismatch) | causes.push(mismatch) -> causes.unshift(mismatch)',
      'policy.ts | else if (refusal !== undefined) causes.push(refusal) | causes.push(refusal) -> causes.unshift(refusal)',
      "policy.ts | if (reading !== undefined && 'fault' in reading) causes.push(malformed([reading.fault])) | causes.push(malformed([reading.fault])) -> causes.unshift(malformed([reading.fault]))",
      "conditions.ts | if (reading !== undefined && 'fault' in reading) causes.push(malformed([reading.fault])) | causes.push(malformed([reading.fault])) -> causes.unshift(malformed([reading.fault]))",
    ],
  },
  {
    why: 'A chain without a link has a breakage, and no holder that anything is compared with.',
    mutants: [
      "chain.ts | holderKind: holder?.kind ?? 'run', | holder?.kind ?? 'run' -> holder?.kind",
      "chain.ts | holderKind: holder?.kind ?? 'run', | 'run' -> ''",
      "chain.ts | holderId: holder?.id ?? '', | holder?.id ?? '' -> holder?.id",
    ],
  },
  {
    why: 'The value is never absent where it is read: the types do not say so.',
    mutants: [
      "decide.ts | cause: isForThis ? inadmissible(asked, digest, fault ?? '') : unapproved(asked, digest), | fault ?? '' -> fault",
      "label.ts | const paths = (own(caveat, 'paths') as readonly string[]).map((path) => readPointer(path) ?? []) | readPointer(path) ?? [] -> readPointer(path)",
      "approval.ts | if (timeoutMs !== undefined && (waited ?? 0) >= timeoutMs) return 'it came too late' | waited ?? 0 -> waited",
      'approval.ts | const hasEscalated = escalateAfterMs !== undefined && (waited ?? 0) >= escalateAfterMs | waited ?? 0 -> waited',
      'slices.ts | if (windowMs !== null && window !== undefined) { | windowMs !== null && window !== undefined -> (windowMs !== null) || (window !== undefined)',
      'slices.ts | ...(windowMs === null || window === undefined | windowMs === null || window === undefined -> (windowMs === null) && (window === undefined)',
      "policy.ts | return policy === null ? 'none' : `${shown(policy.name)} ${clip(policy.version)}` | policy === null ? 'none' : `${shown(policy.name)} ${clip(policy.version)}` -> `${shown(policy.name)} ${clip(policy.version)}`",
      "policy.ts | return policy === null ? 'none' : `${shown(policy.name)} ${clip(policy.version)}` | 'none' -> ''",
    ],
  },
  {
    why: 'Both come to the same: of two that are equal either is the earlier.',
    mutants: [
      'chain.ts | return b === null || a <= b ? a : b | a <= b -> a < b',
      'conditions.ts | if (closing !== undefined && (end === null || closing < end)) end = closing | closing < end -> closing <= end',
      'limit-caveats.ts | return known.max <= added.max ? limits : limits.map((limit) => (limit === known ? added : limit)) | known.max <= added.max -> known.max < added.max',
    ],
  },
  {
    why: '`Map.get(undefined)` and `Map.get(null)` find nothing, as a check before would say.',
    mutants: [
      'state.ts | const parent = entry.grant?.parent ?? null | entry.grant?.parent ?? null -> entry.grant?.parent',
      'state.ts | return parent === null ? undefined : state.grants.get(parent) | parent === null ? undefined : state.grants.get(parent) -> state.grants.get(parent)',
    ],
  },
  {
    why: 'Streams of other vocabularies change nothing where they are taken for one of this: each fold looks at the whole name.',
    mutants: [
      "state.ts | else if (stream.startsWith('policy/')) evolvePolicy(state.policy, event) | 'policy/' -> ''",
    ],
  },
  {
    why: 'Where as many are remembered as may be, nothing is forgotten.',
    mutants: [
      'state.ts | if (state.dead.size > deadMax) forget(state, deadMax) | state.dead.size > deadMax -> state.dead.size >= deadMax',
    ],
  },
  {
    why: 'What hangs below a grant is a tree, and none of it is met twice; of what ends at once no order is promised.',
    mutants: [
      'state.ts | if (entry.dead) continue | entry.dead -> false',
      'state.ts | if (entry.dead) continue | continue left out',
      'state.ts | for (const child of entry.children ?? []) pending.push(child) | pending.push(child) -> pending.unshift(child)',
    ],
  },
  {
    why: 'A purse and a budget are maps by text, in which `undefined` and nothing are the same key.',
    mutants: ["purse.ts | return `${grant} ${unit} ${window ?? ''}` | window ?? '' -> window"],
  },
  {
    why: 'A window at the floor is made and forgotten again; no window is below zero.',
    mutants: [
      'budget.ts | if (window === undefined || window <= budget.windowFloor) return undefined | window <= budget.windowFloor -> window < budget.windowFloor',
      'budget.ts | windowFloor: -1, | 1 -> 2',
    ],
  },
  {
    why: 'A condition that is no window has no closing time.',
    mutants: ["conditions.ts | if (condition.kind !== 'time-window') continue | continue left out"],
  },
  {
    why: 'Only what blocks a way has a number of steps; of `undefined` steps all are taken.',
    mutants: [
      "label.ts | const at = found.kind === 'blocked' ? path.slice(0, found.steps) : path | found.kind === 'blocked' ? path.slice(0, found.steps) : path -> path.slice(0, found.steps)",
    ],
  },
]
