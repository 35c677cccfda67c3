/**
 * Filesystems on which a log must not lie.
 *
 * In WAL mode all connections share a memory map of one file and trust its locks. A network
 * filesystem keeps a page cache per machine, so two machines would see two maps, and one would
 * overwrite what the other had acknowledged. Nothing fails at that moment: so it is refused when
 * the file is opened.
 */
import { readFileSync, realpathSync, statfsSync } from 'node:fs'
import { EVENTS_SQLITE_CODES, EventsSqliteError } from './errors.ts'
import type { FilesystemProbe, SqliteEventStoreOptions } from './ports.ts'

/** Magic numbers of `statfs(2)`, from linux/magic.h and the filesystems' own sources. */
const NETWORK_MAGIC: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021997, '9p'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x00c36400, 'ceph'],
  [0x0bd00bd0, 'lustre'],
  [0x19830326, 'beegfs'],
  [0x47504653, 'gpfs'],
  [0x7461636f, 'ocfs2'],
  [0x01161970, 'gfs2'],
  [0x73757245, 'coda'],
  [0x786f4256, 'vboxsf'],
  [0xbacbacbc, 'vmhgfs'],
])

/** All of FUSE shares this number: the mount table has to say which one it is. */
const FUSE_MAGIC = 0x65735546

/** FUSE filesystems that are a way to another machine; others (ntfs-3g, gocryptfs) are local. */
const FUSE_NETWORK: ReadonlySet<string> = new Set(
  [
    ['sshfs', 'nfs', 'smbnetfs', 'davfs', 'davfs2', 'curlftpfs', 'vmhgfs-fuse', 'grpcfuse'],
    ['s3fs', 'goofys', 'mountpoint-s3', 'rclone', 'gcsfuse', 'juicefs', 'seaweedfs'],
    ['glusterfs', 'ceph-fuse', 'cvmfs', 'cvmfs2', 'lizardfs', 'mfs', 'moosefs'],
  ].flatMap((names) => names.map((name) => `fuse.${name}`)),
)

const NETWORK_NAME = /^(?:nfs4?|cifs|smb3?|9p|afs|ceph|lustre|beegfs|gpfs|ocfs2|gfs2|vboxsf)$/

/** The name of the network filesystem, or `undefined` when it is a local one. */
export function networkFilesystem({ magic, name }: FilesystemProbe): string | undefined {
  const unsigned = magic >>> 0
  const known = NETWORK_MAGIC.get(unsigned)
  if (known !== undefined) return known
  if (name === undefined) return undefined
  if (unsigned === FUSE_MAGIC && FUSE_NETWORK.has(name)) return name
  return NETWORK_NAME.test(name) ? name : undefined
}

/**
 * Refuses a folder on a network filesystem.
 *
 * @throws {EventsSqliteError} `ICE_EVENTS_SQLITE_FILESYSTEM_UNSUPPORTED`
 */
export function checkFilesystem(
  folder: string,
  options: Pick<SqliteEventStoreOptions, 'networkFilesystem' | 'probeFilesystem'>,
): void {
  if (options.networkFilesystem === 'allow') return
  const probe = (options.probeFilesystem ?? probeFilesystem)(folder)
  const filesystem = networkFilesystem(probe)
  if (filesystem === undefined) return
  throw new EventsSqliteError(
    EVENTS_SQLITE_CODES.filesystem,
    `${folder} lies on a network filesystem (${filesystem}), where two machines can overwrite ` +
      "each other's events. Choose a local disk; if only this machine ever opens the log, say " +
      "networkFilesystem: 'allow'.",
    { folder, filesystem },
  )
}

/** Asks the operating system. On Linux only: elsewhere the numbers mean other things. */
export function probeFilesystem(folder: string): FilesystemProbe {
  if (process.platform !== 'linux') return { magic: 0 }
  const magic = statfsSync(folder).type
  if (magic >>> 0 !== FUSE_MAGIC) return { magic }
  const name = mountName(realpathSync(folder))
  return name === undefined ? { magic } : { magic, name }
}

/** The filesystem of the longest mount point that holds `path`, from proc_pid_mountinfo(5). */
function mountName(path: string): string | undefined {
  let best: { readonly length: number; readonly name: string } | undefined
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const fields = line.split(' ')
    const point = fields[4]?.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    const name = fields[fields.indexOf('-') + 1]
    if (point === undefined || name === undefined) continue
    const holds = point === '/' || path === point || path.startsWith(`${point}/`)
    // A later line over the same point hides the earlier one.
    if (holds && (best === undefined || point.length >= best.length)) {
      best = { length: point.length, name }
    }
  }
  return best?.name
}
