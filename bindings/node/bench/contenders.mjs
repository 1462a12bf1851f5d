// Who is measured, each set up as its documentation has it, and each in a loop of its own: a loop that
// all shared would be compiled for none of them.

import { createRequire } from 'node:module'
import { MemoryStore } from 'express-rate-limit'
import { TokenBucket } from 'limiter'
import { RateLimiterMemory, RateLimiterUnion } from 'rate-limiter-flexible'
import { Limiter } from '../dist/index.js'

const LocalStore = createRequire(import.meta.url)('@fastify/rate-limit/store/LocalStore.js')

/** The header of a request that has its key. */
export const KEY_HEADER = 'x-api-key'

/** Ours: two limits, decided together. */
export const SEED = '100/minute; 10/second token-bucket'

/** One limit of the others: so much that all is admitted, or so little that a check exhausts it. */
const quota = (admits) => (admits ? { quota: 2 ** 30, seconds: 60 } : { quota: 1, seconds: 86_400 })

/**
 * No key of ours is admitted more than ten times at once, so what was taken is given back between the
 * timed chunks. For denials the log is full: a bucket alone would admit again and again.
 */
function tidegate(ask, shape = (keys) => keys) {
  return ({ admits, keys, past }) => {
    const limiter = new Limiter(SEED)
    for (let i = 0; i < past; i++) keys.forEach((key) => limiter.allow(key))
    const prepare = admits ? undefined : () => keys.forEach((key) => exhaust(limiter, key))
    const after = admits ? (asked) => asked.forEach((key) => limiter.refund(key)) : undefined
    return { ask: ask(limiter), shape, prepare, after }
  }
}

function exhaust(limiter, key) {
  limiter.reset(key)
  limiter.check(key, { minute: 100 })
}

export const allow = (limiter) => (keys) => {
  let admitted = 0
  for (let i = 0; i < keys.length; i++) if (limiter.allow(keys[i])) admitted++
  return admitted
}

export const check = (limiter) => (keys) => {
  let admitted = 0
  for (let i = 0; i < keys.length; i++) if (limiter.check(keys[i]).allowed) admitted++
  return admitted
}

const checkAndRead = (limiter) => (keys) => {
  let [admitted, read] = [0, 0]
  for (let i = 0; i < keys.length; i++) {
    const { allowed, remaining, resetAfter, retryAfter } = limiter.check(keys[i])
    read += remaining + resetAfter + (retryAfter ?? 0)
    if (allowed) admitted++
  }
  return read < 0 ? read : admitted
}

const checkMany = (limiter) => (batches) => {
  let admitted = 0
  for (let i = 0; i < batches.length; i++) {
    const decisions = limiter.checkMany(batches[i])
    for (let j = 0; j < decisions.length; j++) if (decisions[j].allowed) admitted++
  }
  return admitted
}

const batchesOf = (size) => (keys) => {
  const batches = []
  for (let i = 0; i + size <= keys.length; i += size) batches.push(keys.slice(i, i + size))
  return batches
}

function memory(admits) {
  const { quota: points, seconds: duration } = quota(admits)
  return new RateLimiterMemory({ points, duration })
}

function union(admits) {
  const { quota: points, seconds } = quota(admits)
  return new RateLimiterUnion(
    new RateLimiterMemory({ keyPrefix: 'minute', points, duration: seconds }),
    new RateLimiterMemory({ keyPrefix: 'second', points, duration: seconds / 60 }),
  )
}

/** Its refusals are rejected promises. */
export const consuming = (limiter) => async (keys) => {
  let admitted = 0
  for (let i = 0; i < keys.length; i++) {
    try {
      await limiter.consume(keys[i])
      admitted++
    } catch {}
  }
  return admitted
}

const consume = (make) => ({ admits }) => ({ ask: consuming(make(admits)) })

function memoryStore({ admits }) {
  const { quota: limit, seconds } = quota(admits)
  const store = new MemoryStore()
  store.init({ windowMs: seconds * 1000 })
  const ask = async (keys) => {
    let admitted = 0
    for (let i = 0; i < keys.length; i++) {
      const { totalHits } = await store.increment(keys[i])
      if (totalHits <= limit) admitted++
    }
    return admitted
  }
  return { ask, done: () => store.shutdown() }
}

/** With room for all keys: it forgets the 5001st unless told. */
function localStore({ admits, keys }) {
  const { quota: limit, seconds } = quota(admits)
  const store = new LocalStore(false, false, Math.max(5000, keys.length))
  const ask = (keys) => {
    let admitted = 0
    const told = (error, { current }) => {
      if (current <= limit) admitted++
    }
    for (let i = 0; i < keys.length; i++) store.incr(keys[i], told, seconds * 1000, limit)
    return admitted
  }
  return { ask }
}

/** A bucket for each key: what a user has to write, who limits more than one thing. */
function tokenBucket({ admits }) {
  const { quota: bucketSize, seconds } = quota(admits)
  const buckets = new Map()
  const ask = (keys) => {
    let admitted = 0
    for (let i = 0; i < keys.length; i++) {
      let bucket = buckets.get(keys[i])
      if (bucket === undefined) {
        bucket = new TokenBucket({ bucketSize, tokensPerInterval: bucketSize, interval: seconds * 1000 })
        bucket.content = bucketSize
        buckets.set(keys[i], bucket)
      }
      if (bucket.tryRemoveTokens(1)) admitted++
    }
    return admitted
  }
  return { ask }
}

export const ALLOW = { name: 'tidegate allow', make: tidegate(allow) }
export const CHECK = { name: 'tidegate check', make: tidegate(check) }
export const READ = { name: 'tidegate check, decision read', make: tidegate(checkAndRead) }
export const MANY = { name: 'tidegate checkMany of 64', make: tidegate(checkMany, batchesOf(64)) }
export const MANY_100 = { name: 'tidegate checkMany of 100', make: tidegate(checkMany, batchesOf(100)) }
export const FLEXIBLE = { name: 'rate-limiter-flexible memory', make: consume(memory) }
export const UNION = { name: 'rate-limiter-flexible union', make: consume(union) }
export const EXPRESS = { name: 'express-rate-limit MemoryStore', make: memoryStore }
export const FASTIFY = { name: '@fastify/rate-limit LocalStore', make: localStore }
export const LIMITER = { name: 'limiter TokenBucket', make: tokenBucket }
