// The cases in one process: nanoseconds a check.

import { ALLOW, CHECK, EXPRESS, FASTIFY, FLEXIBLE, LIMITER, MANY, MANY_100, READ, UNION } from './contenders.mjs'
import { inRounds, nanosPerCheck } from './harness.mjs'

const PEERS = [FLEXIBLE, EXPRESS, FASTIFY, LIMITER]

/** 16 keys, each asked about 8 times in a row: as often as a chunk has room for below ten admissions. */
const hot = { count: 16, chunk: 16, times: 8 }
/** All keys in an order without locality. */
const many = { count: 100_000, chunk: 6400, times: 1, past: 2 }

export const cases = [
  { id: 'hot-admitted', title: 'hot keys, admitted: 16 keys, 8 checks of each in a row', admits: true, ...hot, contenders: [ALLOW, CHECK, READ, MANY, ...PEERS] },
  { id: 'hot-denied', title: 'hot keys, denied', admits: false, ...hot, contenders: [ALLOW, CHECK, READ, MANY, ...PEERS] },
  { id: 'many-admitted', title: '100,000 keys, admitted: 2 live units each', admits: true, ...many, contenders: [ALLOW, CHECK, MANY, MANY_100, ...PEERS] },
  { id: 'union-admitted', title: 'two limits, hot keys, admitted', admits: true, ...hot, contenders: [CHECK, UNION] },
  { id: 'union-denied', title: 'two limits, hot keys, denied', admits: false, ...hot, contenders: [CHECK, UNION] },
]

/** Measures one case, and gives the figures by contender. */
export async function measureChecks(one, { rounds, ms }) {
  const keys = keysOf(one.count)
  const order = shuffled(keys)
  const made = []
  for (const { name, make } of one.contenders) {
    const { shape = (chunk) => chunk, ...contender } = make({ admits: one.admits, keys, past: one.past ?? 0 })
    const chunks = chunksOf(order, one, shape)
    // Every key has been seen, and for denials been exhausted.
    for (let i = 0; i < chunks.length; i++) await contender.ask(chunks.next().asked)
    contender.after?.(order.flatMap((key) => Array(one.times).fill(key)))
    made.push({ name, chunks, ...contender })
  }
  const figures = await inRounds(rounds, made, (contender) => nanosPerCheck(contender, ms, one.admits))
  made.forEach(({ done }) => done?.())
  return figures
}

/** Chunks of keys, one after another and again from the first. */
function chunksOf(keys, { chunk, times }, shape) {
  const chunks = []
  for (let i = 0; i + chunk <= keys.length; i += chunk) {
    const some = keys.slice(i, i + chunk).flatMap((key) => Array(times).fill(key))
    chunks.push({ keys: some, asked: shape(some) })
  }
  let at = 0
  return { length: chunks.length, next: () => chunks[at++ % chunks.length] }
}

/** Keys of 24 bytes: `api-key-` and 16 hexadecimal digits, the same in every run. */
export function keysOf(count) {
  const next = random(1)
  const digits = () => (next() * 2 ** 32 >>> 0).toString(16).padStart(8, '0')
  // Strings as a server has them: flat, and not put together lazily.
  return Array.from({ length: count }, () => Buffer.from(`api-key-${digits()}${digits()}`).toString('latin1'))
}

function shuffled(keys) {
  const next = random(2)
  const order = [...keys]
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/** Numbers from 0 to 1 (mulberry32): the same for the same seed. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
