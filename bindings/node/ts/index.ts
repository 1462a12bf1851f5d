/**
 * Exact rate limits, decided in nanoseconds, shared by every process and language on a machine.
 *
 * @packageDocumentation
 */

import { native } from './native.js'

export { apiKey, Proxies, type ProxyOptions } from './address.js'
export { ManualClock } from './clock.js'
export { contentTooLarge, Decision, exposedHeaders, type Body, type LimitState, type Style } from './decision.js'
export type { TidegateError } from './errors.js'
export {
  checkAll,
  Limiter,
  type AcquireOptions,
  type Cost,
  type Counters,
  type JointDecision,
  type LimiterOptions,
  type Part,
} from './limiter.js'
export { MAX_KEY_BYTES, type Key } from './memory.js'
export { Policy, PolicyFile, type Limit, type PolicyChoices, type Report } from './policy.js'
/** The version of this package, and of tidegate. */
export const version: string = native.VERSION
