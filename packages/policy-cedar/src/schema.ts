/** The schema of requests, to be filled with the actions of a product. */

/** By the name of an action: Cedar types of its claim and, where policies look, its arguments. */
export type CedarActions = Readonly<
  Record<string, { readonly claim: string; readonly arguments?: string }>
>

/**
 * A schema in Cedar's text: what every request has, and these actions.
 *
 * ```ts
 * cedarSchema({ 'fs.read': { claim: '{ path: String }' } }, 'entity Group;')
 * ```
 *
 * @param declarations - more of the namespace `Ice`: entity types, common types
 */
export function cedarSchema(actions: CedarActions, declarations: string = ''): string {
  const declared = Object.entries(actions).map(
    ([name, { claim, arguments: given }]) =>
      `  action ${JSON.stringify(name)} appliesTo {
    principal: [Run], resource: [Resource],
    context: { claim: ${claim}, ${given === undefined ? '' : `arguments: ${given}, `}${CONTEXT} }
  };`,
  )
  const groups = /\bentity\s+Group\b/.test(declarations) ? '' : '  entity Group in [Group];\n'
  return `namespace Ice {
${groups}  entity Agent in [Group];
  entity Session in [Group];
  entity Principal in [Group];
  entity Tool in [Group];
  entity Run in [Agent, Session, Principal, Tool];
  entity Kind;
  entity Resource in [Kind];
  type Labels = { trusted: Bool, sources: Set<String>, everyone: Bool, readers: Set<String> };
${declarations}
${declared.join('\n')}
}
`
}

const CONTEXT =
  'labels: Labels, at: Long, day: Long, minute: Long, grant: String, root: String, ' +
  'holder: String, links: Long, chain: Set<String>, ' +
  'agent?: Agent, session?: Session, principal?: Principal, tool?: Tool'
