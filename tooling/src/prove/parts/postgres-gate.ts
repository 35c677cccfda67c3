/**
 * The near end of a link to a writer, in a network namespace: makes the link, passes the writer's
 * connections on, and changes the weather when it is told to.
 *
 *     postgres-gate.ts <Unix socket of the relay> <script of the writer> <its job>
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { createServer, connect as dial, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Weather } from './postgres-net.ts'

const [path = '', script = '', job = ''] = process.argv.slice(2)

const NEAR = '10.77.0.1'
const FAR = '10.77.0.2'

const ip = (...args: string[]): unknown => execFileSync('ip', args, { stdio: 'pipe' })

/** A namespace is entered by the process that runs in it. */
const namespaceOf = (pid: number | 'self'): string => readlinkSync(`/proc/${pid}/ns/net`)

const startWriter = async (): Promise<{ child: ChildProcess; pid: number }> => {
  const child = spawn('unshare', ['-n', process.execPath, script, job], { stdio: 'inherit' })
  const { pid } = child
  if (pid === undefined) throw new Error('the writer did not start')
  while (namespaceOf(pid) === namespaceOf('self')) await sleep(1)
  return { child, pid }
}

const { child, pid } = await startWriter()
const farIp = (...args: string[]): unknown =>
  execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...args], { stdio: 'pipe' })

ip('link', 'set', 'lo', 'up')
ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', String(pid))
ip('addr', 'add', `${NEAR}/24`, 'dev', 'near')
ip('link', 'set', 'near', 'up')
farIp('link', 'set', 'lo', 'up')
farIp('addr', 'add', `${FAR}/24`, 'dev', 'far')
farIp('link', 'set', 'far', 'up')

const pass = (client: Socket): void => {
  const upstream = dial(path)
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
    from.pipe(to)
  }
  client.setNoDelay(true)
}
createServer(pass).listen(5432, NEAR)

let weather: Weather = 'clear'

const end = (was: Weather): void => {
  if (was === 'down') ip('link', 'set', 'near', 'up')
  if (was === 'deaf') ip('route', 'del', 'blackhole', `${FAR}/32`)
  if (was === 'mute') farIp('route', 'del', 'blackhole', `${NEAR}/32`)
}

const begin = (next: Weather): void => {
  if (next === 'down') ip('link', 'set', 'near', 'down')
  if (next === 'deaf') ip('route', 'add', 'blackhole', `${FAR}/32`)
  if (next === 'mute') farIp('route', 'add', 'blackhole', `${NEAR}/32`)
}

process.on('message', (next: Weather) => {
  end(weather)
  begin(next)
  weather = next
  process.send?.(next)
})
process.once('disconnect', () => child.kill('SIGKILL'))
child.once('exit', (code) => process.exit(code ?? 1))
