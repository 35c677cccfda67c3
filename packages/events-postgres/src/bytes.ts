/** Bytes on their way to the server. */

/** The same bytes, not copied, as `pg` takes them. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
