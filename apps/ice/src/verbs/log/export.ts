/** `ice log export`: the log as lines of text, for keeping, moving and reading elsewhere. */
import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type CloudEventsOptions, exportCloudEvents, exportLog } from '@ice/events'
import { type Hash, isHash } from '@ice/primitives'
import { listenForStop } from '../../drive/stop.ts'
import { CLI_CODES, CliError } from '../../errors.ts'
import { EXIT } from '../../exit.ts'
import type { Invocation } from '../../invocation.ts'
import { type LogReader, openReader, using } from '../../log/open.ts'
import { mustBeFree, publish } from '../../log/publish.ts'
import { bytes, count } from '../../terminal/format.ts'
import { plain, safeJson } from '../../terminal/text.ts'

/** Options of `log export`. */
export interface ExportVerbOptions {
  readonly format: string
  readonly output?: string
  readonly after?: number
  readonly to?: number
  readonly limit?: number
  readonly stream?: string
  readonly type: readonly string[]
}

const FORMATS = ['jsonl', 'cloudevents', 'cloudevents-batch'] as const
type ExportFormat = (typeof FORMATS)[number]

/** Carries `log export` out. @returns the exit code */
export async function exportVerb(
  invocation: Invocation,
  options: ExportVerbOptions,
): Promise<number> {
  const { talk, out, cwd } = invocation
  const format = checkOptions(invocation, options)
  const path = options.output === undefined ? undefined : resolve(cwd, options.output)
  if (path !== undefined) mustBeFree(path)
  const stop = listenForStop(talk, 'the export')
  const signal = AbortSignal.any([stop.signal, out.gone])
  try {
    return await using(await openReader(invocation), async (reader) => {
      const texts = await textsOf(invocation, reader, { format, options, signal })
      if (path === undefined) await toStdout(invocation, texts)
      else await toFile(invocation, texts, path)
      return EXIT.ok
    })
  } catch (error) {
    if (stop.exit !== null) return stop.exit
    if (out.closed) return EXIT.ok
    throw error
  } finally {
    stop.release()
  }
}

function checkOptions(
  { format: answer }: Invocation,
  { format, output, to, limit, stream, type }: ExportVerbOptions,
): ExportFormat {
  const known = FORMATS.find((one) => one === format)
  if (known === undefined) {
    throw usage(`--format is ${FORMATS.join(', ')}, not "${plain(format)}"`)
  }
  if (output === undefined && answer === 'json') {
    throw usage('With --json the answer is one document: name a file for the export with --output')
  }
  const isFiltered = stream !== undefined || type.length > 0 || limit !== undefined
  if (known === 'jsonl' && isFiltered) {
    throw usage(
      '--stream, --type and --limit go with --format cloudevents: what is left out of a log ' +
        'cannot be vouched for, so such an export could not be imported',
    )
  }
  if (known !== 'jsonl' && to !== undefined) throw usage('--to goes with --format jsonl')
  return known
}

function usage(message: string): CliError {
  return new CliError(CLI_CODES.usage, message)
}

interface Request {
  readonly format: ExportFormat
  readonly options: ExportVerbOptions
  readonly signal: AbortSignal
}

async function textsOf(
  { talk }: Invocation,
  { log, store }: LogReader,
  { format, options, signal }: Request,
): Promise<AsyncIterable<string>> {
  const { after, to, limit, stream, type } = options
  const from = after === undefined ? {} : { after }
  if (format === 'jsonl') {
    const taxonomy = await latestTaxonomy(log)
    return exportLog(store, {
      ...from,
      ...(to === undefined ? {} : { to }),
      ...(taxonomy === null ? {} : { taxonomy }),
      signal,
      onProgress: (at, end) => talk.progress(`${count(at)} of ${count(end)} events exported`),
    })
  }
  const request: CloudEventsOptions = {
    ...from,
    ...(limit === undefined ? {} : { limit }),
    filter: {
      ...(stream === undefined ? {} : { streamPrefix: stream }),
      ...(type.length === 0 ? {} : { types: type }),
    },
    form: format === 'cloudevents' ? 'lines' : 'batch',
    signal,
  }
  return exportCloudEvents(store, request)
}

/** The digest of the taxonomy that was adopted last, if any was. */
async function latestTaxonomy(log: LogReader['log']): Promise<Hash | null> {
  let latest: Hash | null = null
  const filter = { streamPrefix: 'runtime/', types: ['TaxonomyAdopted'] }
  for await (const batch of log.readAll({ filter })) {
    for (const { data } of batch) {
      const { digest } = data as { readonly digest: unknown }
      if (isHash(digest)) latest = digest
    }
  }
  return latest
}

/** The bytes and nothing else; on a terminal, what it would act on is escaped. */
async function toStdout(
  { out, talk, columns }: Invocation,
  texts: AsyncIterable<string>,
): Promise<void> {
  for await (const text of texts) {
    const lines = columns === undefined ? text : text.split('\n').map(safeJson).join('\n')
    await out.write(lines)
    if (out.closed) return
  }
  talk.settle()
}

async function toFile(
  invocation: Invocation,
  texts: AsyncIterable<string>,
  path: string,
): Promise<void> {
  const draft = `${path}.partial-${process.pid}`
  const hash = createHash('sha256')
  let size = 0
  const file = await open(draft, 'wx')
  try {
    try {
      for await (const text of texts) {
        const part = Buffer.from(text)
        hash.update(part)
        size += part.byteLength
        await file.writeFile(part)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    publish(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  const digest = hash.digest('hex')
  invocation.talk.settle()
  await invocation.print(
    () => [`wrote ${bytes(size)} to ${plain(path)}`, `  sha256 ${digest}`],
    () => ({ path, bytes: size, sha256: digest }),
  )
}
