// A worker of cluster.mjs.

import rateLimiterFlexible from 'rate-limiter-flexible'
import { Limiter } from '../dist/index.js'
import { keysOf } from './checks.mjs'
import { OUR_ALLOW, OURS, THEIRS } from './cluster.mjs'
import { allow, check, consuming, SEED } from './contenders.mjs'

/** Each is asked about twice in a row: with four workers that is less than the ten that a key may have. */
const chunk = keysOf(64).flatMap((key) => [key, key])
const limiter = new Limiter(SEED, { segment: process.argv[2] })
const flexible = new rateLimiterFlexible.RateLimiterCluster({ keyPrefix: 'bench', points: 2 ** 30, duration: 60, timeoutMs: 30_000 })

const giveBack = () => chunk.forEach((key) => limiter.refund(key))
const contenders = {
  [OUR_ALLOW]: { ask: allow(limiter), after: giveBack },
  [OURS]: { ask: check(limiter), after: giveBack },
  [THEIRS]: { ask: consuming(flexible) },
}

process.on('message', async ({ bench, ms }) => {
  if (bench === undefined) return
  const { ask, after } = contenders[bench]
  const totals = { bench, nanos: 0, asked: 0, admitted: 0 }
  while (totals.nanos < ms * 1e6) {
    const start = process.hrtime.bigint()
    totals.admitted += await ask(chunk)
    totals.nanos += Number(process.hrtime.bigint() - start)
    totals.asked += chunk.length
    after?.()
  }
  process.send(totals)
})
process.send({ bench: 'ready' })
