/** Requests for the file effects, with the type of what they give: for programs. */

import type { JsonObject, JsonValue } from '@ice/primitives'
import type { ByteFold, EffectRequest, Reference } from '@ice/runs/ports'
import type { DeleteResult } from './delete.ts'
import type { ListPage } from './list.ts'
import type { PatchResult } from './patch/patch.ts'
import type { FileStat } from './stat.ts'
import type { WriteResult } from './write.ts'

/** Which file to read, and how. */
export type ReadRequest = {
  readonly path: string
  /** What the bytes become. Text that is not UTF-8 fails. @defaultValue 'utf8' */
  readonly encoding?: 'utf8' | 'base64'
  /** A larger file fails before it is read. @defaultValue 1 MiB; at most 8 MiB without a fold */
  readonly maxBytes?: number
}

/** Which page of which directory. */
export type ListRequest = {
  readonly path: string
  /** The last name of the page before. */
  readonly after?: string
  /** @defaultValue 1,000; at most 20,000 */
  readonly limit?: number
}

/** What to write where. */
export type WriteRequest = {
  readonly path: string
  readonly content: string | Reference<string>
  /** What `content` is. @defaultValue 'utf8' */
  readonly encoding?: 'utf8' | 'base64'
}

/** How to change what is there. */
export type PatchRequest = {
  readonly path: string
  /** A unified diff of this file; every line has to stand exactly where it says. */
  readonly patch: string
  /** SHA-256 of the content it was made for, in lower-case hex. */
  readonly expected: string
  /** What the file may have afterwards. @defaultValue 1 MiB; at most 8 MiB */
  readonly maxBytes?: number
}

/** Which entry. */
export type PathRequest = { readonly path: string }

/** Makes requests; `grant` is the name a grant has in the run. */
export interface FileSystemRequests {
  /** The content of a file, as text or in base64. */
  read(grant: string, request: ReadRequest): EffectRequest<string>
  /** What a fold makes of the bytes of a file of any size, in constant memory. */
  read<S, R extends JsonValue>(
    grant: string,
    request: ReadRequest,
    fold: ByteFold<S, R>,
  ): EffectRequest<R>
  /** A page of the names in a directory, in the order of their bytes. */
  list(grant: string, request: ListRequest): EffectRequest<ListPage>
  /** What has this name; a last link is not followed. */
  stat(grant: string, request: PathRequest): EffectRequest<FileStat>
  /** A new file; fails with `ICE_EFFECTS_FILE_EXISTS_CONFLICT` where something is. */
  write(grant: string, request: WriteRequest): EffectRequest<WriteResult>
  /** A file in the place of what is there, or a new one; readers see either, never a part. */
  replace(grant: string, request: WriteRequest): EffectRequest<WriteResult>
  /** Changes a file by a diff, whole or not at all; fails where the file is another by now. */
  patch(grant: string, request: PatchRequest): EffectRequest<PatchResult>
  /** Takes a name away, not of a directory; what is not there is not deleted, and no error. */
  delete(grant: string, request: PathRequest): EffectRequest<DeleteResult>
}

function request<R>(action: string, grant: string, args: JsonObject): EffectRequest<R> {
  return { action, grant, arguments: args }
}

function read<R>(grant: string, args: ReadRequest, fold?: ByteFold): EffectRequest<R> {
  const plain = request<R>('fs.read', grant, args)
  return fold === undefined ? plain : { ...plain, fold }
}

/** Makes requests for the file effects. */
export const fs: FileSystemRequests = {
  read: read as FileSystemRequests['read'],
  list: (grant, args) => request('fs.list', grant, args),
  stat: (grant, args) => request('fs.stat', grant, args),
  write: (grant, args) => request('fs.write', grant, args),
  replace: (grant, args) => request('fs.replace', grant, args),
  patch: (grant, args) => request('fs.patch', grant, args),
  delete: (grant, args) => request('fs.delete', grant, args),
}
