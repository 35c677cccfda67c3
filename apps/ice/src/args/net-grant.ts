/**
 * The resource of `--grant` for the network: a URL says where.
 *
 *     url = scheme "://" host [ ":" port ] [ path ]      ; https://*.example.com/v1
 *
 * The host may begin with `*.`, or be `*`; a path is a prefix. What a URL has besides (a user, a
 * query, a fragment) grants nothing and is refused.
 */

import { netKind } from '@ice/capabilities'
import type { Resource } from '@ice/capabilities/ports'

/** What stands beside the URL. */
export interface NetGrantInit {
  readonly actions: readonly string[]
  readonly methods?: readonly string[]
  readonly addresses?: readonly string[]
}

/** The resource, or why it is none. */
export function netResource(text: string, init: NetGrantInit): Resource | string {
  const { actions, methods, addresses } = init
  if (!/^https?:\/\/[^\s\\]+$/u.test(text) || !URL.canParse(text)) {
    return `"${text}" is no place on the network; one reads net:https://api.example.com/v1`
  }
  const { protocol, hostname, port, pathname, username, password, search, hash } = new URL(text)
  if (`${username}${password}${search}${hash}` !== '' || /[@?#]/.test(text)) {
    return 'a place on the network has no user, no query and no fragment'
  }
  if (methods === undefined && actions.some((action) => action.startsWith('net.send'))) {
    return 'what sends needs methods, for example methods=POST'
  }
  const resource = {
    kind: 'net',
    hosts: [hostname],
    schemes: [protocol.slice(0, -1)],
    ...(port === '' ? {} : { ports: [Number(port)] }),
    ...(methods === undefined ? {} : { methods: [...methods] }),
    ...(pathname === '/' ? {} : { paths: [pathname] }),
    ...(addresses === undefined ? {} : { addresses: [...addresses] }),
  }
  return netKind.checkResource(resource) ?? resource
}
