// What is asked of a gate's options when it is made, so that no request finds out that one is wrong.

import { isAsyncFunction } from 'node:util/types'
import { costsOf } from './decision.js'
import { fault, whole } from './errors.js'
import type { Cost, Limiter } from './limiter.js'

/** In a path that a router may read as another, before or after us: /static/../orders as /orders. */
export const AMBIGUOUS = /\/\/|\/\.\.?(\/|$)|\\|%(25|2e|2f|5c)/i

/** Paths that can be met, and functions. */
export function checkExempt(rules: unknown): void {
  if (!Array.isArray(rules)) throw fault('options', `exempt: expected an array of paths and functions, not ${String(rules)}`)
  for (const rule of rules) {
    if (typeof rule !== 'string') checkFunction('exempt', rule)
    else if (!rule.startsWith('/')) throw fault('options', `exempt: \`${rule}\` is no path; one begins with /`)
    else if (AMBIGUOUS.test(rule)) throw fault('options', `exempt: \`${rule}\` can be read as another path, and such a one is never exempt`)
  }
}

/** A cost that is the same for all requests is one that these limiters admit, as far as they are known. */
export function checkCost(cost: Cost, limiters: readonly Limiter[]): void {
  const isEach = typeof cost === 'object' && cost !== null
  for (const units of isEach ? Object.values(cost) : [cost]) whole('cost', units)
  for (const { policy } of limiters) {
    const costs = isEach ? costsOf(policy, cost) : policy.limits.map(() => cost)
    for (const [i, { name, capacity }] of policy.limits.entries()) {
      if (costs[i]! > capacity) throw fault('cost-above-quota', `cost: ${costs[i]} is above the ${capacity} that the limit \`${name}\` ever admits at once`)
    }
  }
}

/** Of the text `no` JavaScript says that it is true. */
export function checkYesOrNo(option: string, given: unknown): void {
  if (typeof given !== 'boolean') throw fault('options', `${option}: expected true or false, not ${String(given)}`)
}

/** A function that answers at once: a promise would be true, whatever it would say. */
export function checkFunction(option: string, given: unknown): void {
  if (typeof given !== 'function') throw fault('options', `${option}: expected a function, not ${String(given)}`)
  if (isAsyncFunction(given)) throw fault('options', `${option}: a function is async, and nobody would await it: give a plain one`)
}

/** What a function has answered, which is no promise. */
export function answered<T>(option: string, answer: T): T {
  if (typeof (answer as { then?: unknown } | undefined | null)?.then !== 'function') return answer
  throw fault('options', `${option}: a function gave a promise, which nobody awaits: give a plain one`)
}
