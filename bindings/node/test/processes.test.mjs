// One quota for several threads and processes, by a segment.

import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Limiter } from 'tidegate'

const folder = mkdtempSync(join(tmpdir(), 'tidegate-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const here = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Workers of a cluster, which end with the test. */
function forked(t, count, script, args) {
  cluster.setupPrimary({ exec: here(script), args })
  const workers = Array.from({ length: count }, () => cluster.fork())
  t.after(() => Promise.all(workers.filter((worker) => !worker.isDead()).map((worker) => {
    worker.process.kill()
    return once(worker, 'exit')
  })))
  return workers
}

const sum = (numbers) => numbers.reduce((total, n) => total + n, 0)

test('a cluster of four on one segment admits exactly the quota, though one is killed', { timeout: 60_000 }, async (t) => {
  const segment = join(folder, 'cluster')
  const workers = forked(t, 4, 'fixtures/cluster-worker.mjs', [segment])
  await Promise.all(workers.map((worker) => once(worker, 'message'))) // all have opened it

  // What each has admitted is told with every answer, so that what the victim took is known.
  const admitted = new Map(workers.map((worker) => [worker.id, 0]))
  const ask = (worker, times) => worker.isConnected() && worker.send(times)
  for (const worker of workers) worker.on('message', (n) => admitted.set(worker.id, n))
  const [victim, ...rest] = workers
  for (const worker of workers) ask(worker, 10)
  while (admitted.get(victim.id) < 10) await once(victim, 'message')
  for (const worker of rest) ask(worker, 1000)
  const gone = once(victim, 'exit')
  victim.process.kill('SIGKILL')
  await gone
  const finished = rest.map((worker) => once(worker, 'exit'))
  for (const worker of rest) worker.send('end')
  await Promise.all(finished)
  assert.equal(sum([...admitted.values()]), 100)
  assert.equal(admitted.get(victim.id), 10)
  assert.ok(!new Limiter('100/minute', { segment }).allow('alice'))
})

for (const library of ['express', 'fastify']) {
  test(`the store for ${library}'s rate limit admits exactly the limit over a cluster`, { timeout: 60_000 }, async (t) => {
    const workers = forked(t, 3, 'fixtures/store-worker.mjs', [library, join(folder, library)])
    const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
    assert.equal(new Set(ports).size, 1)
    // A connection for each, so that the workers take turns.
    const ask = () => fetch(`http://127.0.0.1:${ports[0]}/`, { headers: { connection: 'close' } })
    const answers = await Promise.all(Array.from({ length: 60 }, ask))
    const counts = [200, 429].map((wanted) => answers.filter(({ status }) => status === wanted).length)
    assert.deepEqual(counts, [20, 40])
    assert.equal(new Set(answers.map(({ headers }) => headers.get('x-worker'))).size, 3)
  })
}

test('a process that is killed while it checks takes no more than the quota', { timeout: 60_000 }, async (t) => {
  const segment = join(folder, 'killed')
  const limiter = new Limiter('100/minute', { segment })
  for (let round = 0; round < 3; round++) {
    const child = fork(here('fixtures/hammer.mjs'), [segment], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    t.after(() => child.kill('SIGKILL'))
    await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const key = `round-${round}`
    let admitted = 0
    for (let i = 0; i < 200; i++) if (limiter.allow(key)) admitted++
    assert.equal(admitted, 100)
    assert.ok(!limiter.allow('alice')) // the child had used it up, and denials go on
  }
})

test('worker threads share a segment, and end', { timeout: 60_000 }, async () => {
  const segment = join(folder, 'threads')
  const workers = Array.from({ length: 4 }, () => new Worker(here('fixtures/thread.mjs'), { workerData: segment }))
  const counts = await Promise.all(workers.map(async (worker) => {
    const [[count], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
    assert.equal(code, 0)
    return count
  }))
  assert.equal(sum(counts), 100)
})

test('a thread that is terminated leaves a segment whole', { timeout: 60_000 }, async () => {
  const segment = join(folder, 'terminated')
  const worker = new Worker(here('fixtures/hammer.mjs'), { argv: [segment] })
  await once(worker, 'message')
  await worker.terminate()
  const limiter = new Limiter('100/minute', { segment })
  assert.ok(!limiter.allow('alice'))
  assert.ok(limiter.allow('bob'))
})

test('the package loads twice in one process', () => {
  const require = createRequire(import.meta.url)
  const first = require('tidegate')
  for (const path of Object.keys(require.cache)) if (path.includes(join('node', 'dist'))) delete require.cache[path]
  const second = require('tidegate')
  assert.notEqual(first.Limiter, second.Limiter)
  const segment = join(folder, 'twice')
  const limiters = [first, second].map((tidegate) => new tidegate.Limiter('3/minute', { segment }))
  const decisions = [0, 1, 0, 1].map((i) => limiters[i].check('alice'))
  assert.deepEqual(decisions.map((d) => [d.allowed, d.remaining]), [[true, 2], [true, 1], [true, 0], [false, 0]])
})

test('another policy on the same segment is a clear error', () => {
  const segment = join(folder, 'other')
  const limiter = new Limiter('100/minute', { segment })
  assert.throws(() => new Limiter('99/minute', { segment }), { code: 'segment-policy', message: /100\/minute/ })
  assert.ok(limiter.allow('alice'))
})
