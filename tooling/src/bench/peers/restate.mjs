/** Restate: a server of its own, which keeps a journal of what each step of a handler gave back. */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
// @boundaries-ignore it is installed on demand, outside of the repository
import * as restate from '@restatedev/restate-sdk'
// @boundaries-ignore it is installed on demand, outside of the repository
import * as clients from '@restatedev/restate-sdk-clients'

const three = restate.service({
  name: 'three',
  handlers: {
    run: async (ctx) => {
      for (const id of ['a', 'b', 'c']) await ctx.run(id, async () => ({ id }))
      return 'done'
    },
  },
})

/** @param {{ folder: string }} place */
export async function open({ folder }) {
  const [ingress, admin, node, service] = await freePorts(4)
  const server = spawn(binary(), ['--base-dir', folder], {
    stdio: 'ignore',
    env: {
      ...process.env,
      RESTATE_CLUSTER_NAME: 'bench',
      RESTATE_NODE_NAME: 'bench',
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RUST_LOG: 'error',
    },
  })
  process.once('exit', () => server.kill('SIGKILL'))
  await restate.serve({ services: [three], port: service })
  await registered(server, admin, `http://127.0.0.1:${service}`)
  const client = clients.connect({ url: `http://127.0.0.1:${ingress}` }).serviceClient(three)
  return { once: () => client.run(), pids: [server.pid], close: async () => server.kill() }
}

/** The server, which its package brings as one of a package for each platform. */
function binary() {
  const here = createRequire(import.meta.url)
  const own = createRequire(here.resolve('@restatedev/restate-server/package.json'))
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`
  return own.resolve(`${name}/bin/restate-server`)
}

/** Tells the server of our handler, once it answers. */
async function registered(server, admin, uri) {
  for (let left = 300; left > 0; left -= 1) {
    if (server.exitCode !== null) throw new TypeError(`its server ended with ${server.exitCode}`)
    const answer = await fetch(`http://127.0.0.1:${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri }),
    }).catch(() => undefined)
    if (answer?.ok === true) return
    await sleep(100)
  }
  throw new TypeError('its server did not take our handler within 30 s')
}

async function freePorts(count) {
  const probes = Array.from({ length: count }, () => createServer())
  await Promise.all(
    probes.map((probe) => new Promise((done) => probe.listen(0, '127.0.0.1', done))),
  )
  const ports = probes.map((probe) => probe.address().port)
  await Promise.all(probes.map((probe) => new Promise((done) => probe.close(done))))
  return ports
}
