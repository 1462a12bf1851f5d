// Servers on loopback, each in a process of its own: microseconds a request, with each limiter and
// without one. Eight connections keep the server busy, so that a request takes as long as the server
// needs for it. The processor time that it has used is shown too: it depends less on what else runs.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { keysOf } from './checks.mjs'
import { KEY_HEADER } from './contenders.mjs'
import { inRounds, verify } from './harness.mjs'

const CONNECTIONS = 8

export const NONE = 'none'
export const frameworks = [
  { id: 'express', title: 'Express 5 on loopback', limiters: [NONE, 'tidegate', 'express-rate-limit', 'rate-limiter-flexible'] },
  { id: 'fastify', title: 'Fastify 5 on loopback', limiters: [NONE, 'tidegate', '@fastify/rate-limit', 'rate-limiter-flexible'] },
]

/** Measures one framework, and gives `{ wall, cpu }` a request by limiter, in microseconds. */
export async function measureHttp({ id, limiters }, { rounds, requests }) {
  // So many that no key is asked about more often than it may be in a second or a minute.
  const keys = keysOf(50_000)
  const servers = await Promise.all(limiters.map((limiter) => start(id, limiter, keys)))
  try {
    return await inRounds(rounds, servers, (server) => server.load(requests))
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

async function start(framework, limiter, keys) {
  const name = `${framework} with ${limiter}`
  const child = fork(fileURLToPath(new URL('server.mjs', import.meta.url)), [framework, limiter], { env: { ...process.env, NODE_ENV: 'production' } })
  const told = () => new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`the server of ${name} ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => resolve(message, child.off('exit', ended)))
  })
  const cpu = async () => {
    child.send('cpu')
    return (await told()).cpu
  }
  const { port } = await told()
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS, pipelining: 1 })
  let next = 0
  const ask = async () => {
    const headers = { [KEY_HEADER]: keys[next++ % keys.length] }
    const { statusCode, body } = await pool.request({ path: '/', method: 'GET', headers })
    await body.dump()
    return statusCode === 200
  }
  const load = async (requests) => {
    const before = await cpu()
    const begun = process.hrtime.bigint()
    let [left, admitted] = [requests, 0]
    const client = async () => {
      while (left-- > 0) if (await ask()) admitted++
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, client))
    const spent = Number(process.hrtime.bigint() - begun) / 1e3
    const used = (await cpu()) - before
    verify(name, requests, admitted, true)
    return { wall: spent / requests, cpu: used / requests }
  }
  const stop = async () => {
    await pool.destroy()
    child.disconnect()
    await once(child, 'exit')
  }
  return { name: limiter, load, stop }
}
