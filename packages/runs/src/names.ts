/** Names of steps that are the runtime's own. */

/** Questions of checks: `$check/<name>`. */
export const CHECK = '$check'
