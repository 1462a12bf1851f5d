// Servers on loopback, each in a process of its own: microseconds a request, with each limiter and
// without one. So many connections keep a server busy that a request takes as long as the server needs
// for it. The processor time that it has used is what counts: it depends less on what else runs.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { keysOf } from './checks.mjs'
import { KEY_HEADER } from './contenders.mjs'
import { inRounds } from './harness.mjs'

const CONNECTIONS = 32

export const NONE = 'none'
export const frameworks = [
  { id: 'express', title: 'Express 5 on loopback', limiters: [NONE, 'tidegate', 'express-rate-limit', 'rate-limiter-flexible'] },
  { id: 'fastify', title: 'Fastify 5 on loopback', limiters: [NONE, 'tidegate', '@fastify/rate-limit', 'rate-limiter-flexible'] },
]

/** Measures one framework, and gives `{ wall, cpu }` a request by limiter, in microseconds. */
export async function measureHttp({ id, limiters }, { httpRounds, requests }) {
  // So many that no key is asked about more often than it may be in a second or a minute.
  const keys = keysOf(50_000)
  const servers = await Promise.all(limiters.map((limiter) => start(id, limiter)))
  try {
    return await inRounds(httpRounds, servers, (server) => load(server, keys, requests))
  } finally {
    await Promise.all(servers.map(stop))
  }
}

async function start(framework, limiter) {
  const args = [framework, limiter]
  const child = fork(fileURLToPath(new URL('server.mjs', import.meta.url)), args, { env: { ...process.env, NODE_ENV: 'production' } })
  const server = { name: limiter, child, next: 0, ended: `the server of ${framework} with ${limiter} ended` }
  const { port } = await told(server)
  server.sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connected(port)))
  return server
}

/** What a server says next. */
function told({ child, ended }) {
  return new Promise((resolve, reject) => {
    const end = () => reject(new Error(ended))
    child.once('exit', end)
    child.once('message', (message) => {
      child.off('exit', end)
      resolve(message)
    })
  })
}

async function connected(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

async function cpu(server) {
  server.child.send('cpu')
  return (await told(server)).cpu
}

async function load(server, keys, requests) {
  const before = await cpu(server)
  const begun = process.hrtime.bigint()
  await Promise.all(server.sockets.map((socket) => ask(server, socket, keys, Math.ceil(requests / CONNECTIONS))))
  const wall = Number(process.hrtime.bigint() - begun) / 1e3
  const used = (await cpu(server)) - before
  const asked = CONNECTIONS * Math.ceil(requests / CONNECTIONS)
  return { wall: wall / asked, cpu: used / asked }
}

/**
 * Asks so often, one request after another: a client that does as little as it can, so that the server
 * is what is measured. It knows the answer, which ends in the one `}` that there is.
 */
function ask(server, socket, keys, times) {
  return new Promise((resolve, reject) => {
    let answer = ''
    const send = () => socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\n${KEY_HEADER}: ${keys[server.next++ % keys.length]}\r\n\r\n`)
    const done = (settle, value) => {
      socket.removeAllListeners()
      settle(value)
    }
    socket.on('data', (chunk) => {
      answer += chunk.latin1Slice()
      if (!answer.startsWith('HTTP/1.1 200 ')) return done(reject, new Error(`${server.name} answered ${answer.slice(0, 40)}`))
      if (!answer.endsWith('}')) return
      answer = ''
      if (--times === 0) done(resolve)
      else send()
    })
    socket.on('error', (error) => done(reject, error))
    socket.on('close', () => done(reject, new Error(server.ended)))
    send()
  })
}

async function stop({ child, sockets }) {
  sockets.forEach((socket) => socket.destroy())
  child.disconnect()
  await once(child, 'exit')
}
