/**
 * What a worker says of itself to whoever keeps it running: three answers over HTTP.
 *
 *     GET /livez   200 while its loop comes around, else 503: start it anew
 *     GET /readyz  200 while it takes runs, else 503: it begins, drains, or is not sure of itself
 *     GET /metrics 200 and what it can be watched by, as Prometheus reads it; 503: it cannot tell
 *
 * HTTP, because that is what schedulers of containers and of services ask without a helper; on
 * loopback unless another address is named, because the answers tell how busy a worker is.
 */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Supervisor, SupervisorStatus } from '@ice/runs'
import { CLI_CODES, CliError } from '../errors.ts'
import { HEALTH_CONNECTIONS_MAX, QUIET_MS_MAX } from '../limits.ts'
import { plain } from '../terminal/text.ts'
import { METRICS_TYPE, metricsText } from './metrics-text.ts'

/** Where it is asked. */
export interface HealthPlace {
  readonly host: string
  readonly port: number
}

const PLACE = /^(?:(?<host>[0-9a-zA-Z.-]+|\[[0-9a-fA-F:]+\]):)?(?<port>\d{1,5})$/

/** Reads `8080`, `0.0.0.0:8080`, `[::1]:8080`. @throws `ICE_CLI_USAGE_UNSUPPORTED` */
export function parseHealthPlace(text: string): HealthPlace {
  const { host = '127.0.0.1', port = '' } = PLACE.exec(text)?.groups ?? {}
  const number = Number(port)
  if (port !== '' && number <= 65_535) return { host: host.replace(/[[\]]/g, ''), port: number }
  throw new CliError(CLI_CODES.usage, `"${plain(text)}" is no place to listen at`, {
    next: ['write a port, or an address and a port: 8080, 0.0.0.0:8080'],
  })
}

/** Answers until it is closed. @throws `ICE_CLI_USAGE_UNSUPPORTED` — it cannot listen there */
export async function serveHealth(
  { host, port }: HealthPlace,
  supervisor: Pick<Supervisor, 'metrics' | 'status'>,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer({ requestTimeout: 5_000 }, (request, response) => {
    const path = request.url ?? ''
    if (request.method === 'GET' && path === '/metrics') {
      answerMetrics(response, supervisor)
      return
    }
    const now: SupervisorStatus = supervisor.status()
    const isLive = now.state !== 'lost' && now.quietMs < QUIET_MS_MAX
    const answers: Readonly<Record<string, boolean>> = { '/livez': isLive, '/readyz': now.ready }
    const isKnown = request.method === 'GET' && Object.hasOwn(answers, path)
    const code = isKnown ? (answers[path] === true ? 200 : 503) : 404
    const { state, ready, running, setbacks, driven, failed } = now
    const told = { state, ready, running, setbacks, driven, failed }
    response.writeHead(code, { 'content-type': 'application/json', connection: 'close' })
    response.end(
      `${JSON.stringify(isKnown ? told : { error: 'GET /livez, /readyz or /metrics' })}\n`,
    )
  })
  server.maxConnections = HEALTH_CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const message = `Nobody can listen at ${host}:${port} (${cause.code ?? 'unknown'})`
      reject(new CliError(CLI_CODES.usage, message, { cause }))
    })
    server.listen(port, host, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answerMetrics(response: ServerResponse, { metrics }: Pick<Supervisor, 'metrics'>): void {
  metrics().then(
    (now) => {
      response.writeHead(200, { 'content-type': METRICS_TYPE, connection: 'close' })
      response.end(metricsText(now))
    },
    // What went wrong is for the worker's own notices, not for whoever can reach the port.
    () => {
      response.writeHead(503, { 'content-type': 'application/json', connection: 'close' })
      response.end(`${JSON.stringify({ error: 'the index cannot be read' })}\n`)
    },
  )
}
