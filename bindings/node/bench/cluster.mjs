// A cluster of four workers with one quota: nanoseconds a check. All four ask at once about the same
// keys, ours through one segment, rate-limiter-flexible through its primary. With fewer cores than
// workers each waits for the others, in both alike.

import cluster from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import rateLimiterFlexible from 'rate-limiter-flexible'
import { inRounds, verify } from './harness.mjs'

export const WORKERS = 4
export const OURS = 'tidegate check, one segment'
export const OUR_ALLOW = 'tidegate allow, one segment'
export const THEIRS = 'rate-limiter-flexible cluster'

/** Measures, and gives the figures by contender. */
export async function measureCluster({ clusterRounds, clusterMs }) {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-bench-'))
  new rateLimiterFlexible.RateLimiterClusterMaster()
  cluster.setupPrimary({ exec: fileURLToPath(new URL('cluster-worker.mjs', import.meta.url)), args: [join(folder, 'segment')] })
  const workers = Array.from({ length: WORKERS }, () => cluster.fork())
  try {
    await Promise.all(workers.map(told))
    const contenders = [OUR_ALLOW, OURS, THEIRS].map((name) => ({ name }))
    return await inRounds(clusterRounds, contenders, async ({ name }) => {
      const asked = workers.map((worker) => {
        worker.send({ bench: name, ms: clusterMs })
        return told(worker)
      })
      const found = await Promise.all(asked)
      found.forEach(({ asked, admitted }) => verify(name, asked, admitted, true))
      const sum = (one) => found.reduce((all, each) => all + each[one], 0)
      return sum('nanos') / sum('asked')
    })
  } finally {
    const alive = workers.filter((worker) => !worker.isDead())
    await Promise.all(alive.map((worker) => (worker.disconnect(), once(worker, 'exit'))))
    rmSync(folder, { recursive: true })
  }
}

/** What a worker says next; rate-limiter-flexible talks on the same channel. */
function told(worker) {
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`a worker ended with ${code}`))
    const listen = (message) => {
      if (message.bench === undefined) return
      worker.off('message', listen)
      worker.off('exit', ended)
      resolve(message)
    }
    worker.on('message', listen)
    worker.on('exit', ended)
  })
}
