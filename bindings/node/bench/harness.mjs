// How a case is measured: all its contenders in one process, in rounds that take turns, so that a slow
// minute hits all of them. What is behind this is told in benches/METHODOLOGY.md.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')

/** How long a run takes: rounds (one more is measured and dropped), and what a contender does in each. */
export const full = { rounds: 41, ms: 8, httpRounds: 15, requests: 3200, clusterRounds: 9, clusterMs: 250 }
/** Shows that all runs; the figures mean nothing. */
export const quick = { rounds: 1, ms: 1, httpRounds: 1, requests: 50, clusterRounds: 1, clusterMs: 10 }

/**
 * The figures of all contenders, one a round each. `measure` gives a figure, or several by name.
 *
 * @param {{ name: string }[]} contenders
 */
export async function inRounds(rounds, contenders, measure) {
  const figures = new Map(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    const first = round % contenders.length
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const figure = await measure(contender)
      if (round > 0) figures.get(contender.name).push(figure)
    }
  }
  return figures
}

/** Nanoseconds a check of one contender, over chunks that last `ms` together. */
export async function nanosPerCheck({ name, ask, chunks, prepare, after }, ms, admits) {
  await prepare?.()
  gc({ type: 'minor' }) // nobody pays for another's garbage
  let [spent, asked, admitted] = [0n, 0, 0]
  while (spent < ms * 1e6) {
    const chunk = chunks.next()
    const start = process.hrtime.bigint()
    const answer = ask(chunk.asked)
    const found = typeof answer === 'number' ? answer : await answer
    spent += process.hrtime.bigint() - start
    asked += chunk.keys.length
    admitted += found
    after?.(chunk.keys)
  }
  verify(name, asked, admitted, admits)
  return Number(spent) / asked
}

/** A case says that all its checks are admitted or that none is: one in a thousand may differ. */
export function verify(name, asked, admitted, admits) {
  const wrong = admits ? asked - admitted : admitted
  if (wrong * 1000 > asked) throw new Error(`${name}: ${admitted} of ${asked} checks were admitted, where ${admits ? 'all' : 'none'} should be`)
}

/** The median of the rounds, the fastest and the slowest. */
export function summary(figures) {
  const sorted = [...figures].sort((a, b) => a - b)
  const at = (place) => sorted[Math.floor(place)]
  const middle = (sorted.length - 1) / 2
  return { median: (at(middle) + at(middle + 0.5)) / 2, min: sorted[0], max: sorted.at(-1) }
}
