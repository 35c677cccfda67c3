/** Until a transport authenticates one, the principal is the operating system's user. */

import { userInfo } from 'node:os'
import type { PrincipalId } from '@ice/primitives'

/** `os:<user>`; what is not printable in a name is left out, and a nameless user has a number. */
export function systemPrincipal(): PrincipalId {
  const { username, uid } = userInfoOrNone()
  const name = username.replace(/[^\u0021-\u007e]/g, '').slice(0, 100)
  return `os:${name === '' ? String(uid) : name}` as PrincipalId
}

function userInfoOrNone(): { readonly username: string; readonly uid: number } {
  try {
    return userInfo()
  } catch (error) {
    // A process may run under a number that no user of this system has.
    const { info } = error as { readonly info?: { readonly code?: string } }
    if (info?.code !== 'ENOENT') throw error
    return { username: '', uid: -1 }
  }
}
