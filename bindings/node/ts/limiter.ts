import { ManualClock } from './clock.js'
import { costsOf, Decision, type Plan } from './decision.js'
import { fault, whole } from './errors.js'
import { given, memory, pack, putCosts, room, type Key } from './memory.js'
import { native } from './native.js'
import { Policy } from './policy.js'
import { Queues } from './wait.js'
import type { LimiterOptions as NativeOptions } from '../native.js'

/** Cost units: as many of every limit, or a number for each by the limit's name (0 where there is none). */
export type Cost = number | Readonly<Record<string, number>>

export interface LimiterOptions {
  /** How many keys can be counted at once: 100,000. Memory is used only as keys come. */
  readonly maxKeys?: number
  /**
   * The path of a file that every process which opens it shares its quota with, whatever its language:
   * workers of a cluster, worker threads, services. In `/dev/shm` it lasts until the machine restarts.
   */
  readonly segment?: string
  /** `coarse` where its lag of some milliseconds does not matter, else `precise`; or one for tests. */
  readonly clock?: 'coarse' | 'precise' | ManualClock
  /** What happens to a new key when the table is full: newcomers share one entry, or the answer is set. */
  readonly onFull?: 'overflow' | 'deny' | 'allow'
  /** What a check says when the key's entry in a segment cannot be had. */
  readonly onUnavailable?: 'deny' | 'allow'
}

export interface AcquireOptions {
  /** Ends the wait; the promise rejects with its reason. */
  readonly signal?: AbortSignal
  /** The longest wait in seconds. */
  readonly timeout?: number
  /** `false`: the wait alone does not keep the process alive. */
  readonly ref?: boolean
}

/** What a limiter has done since it was made. */
export interface Counters {
  readonly admitted: number
  /** For the limit that the decision reported, by its name. */
  readonly denied: Readonly<Record<string, number>>
  /** Calls of keys that the table had no room for. */
  readonly overflowed: number
  /** Entries that had recovered, and whose place a new key took. */
  readonly reclaimed: number
  /** Calls whose entry could not be had. */
  readonly unavailable: number
}

/** A key of one limiter, and what it is to pay. */
export interface Part {
  readonly limiter: Limiter
  readonly key: Key
  readonly cost?: number
}

/** What all parts of a joint check say. */
export interface JointDecision {
  /** Whether every part admits; only then has anything been taken. */
  readonly allowed: boolean
  /** Of each part, in order. */
  readonly decisions: readonly Decision[]
  /** The one to answer with: the denial with the longest wait, or the first. */
  readonly reported: Decision
}

// A call of these costs so little that to look them up is a part of it.
const { allow, check } = native

/** The plans of limiters, for joint checks. */
const plans = new WeakMap<Limiter, Plan>()

/**
 * A policy with its table of keys.
 *
 * @example
 * const limiter = new Limiter('100/minute; 10/second token-bucket')
 * const decision = limiter.check('api-key-1')
 * if (!decision.allowed) console.log(decision.retryAfter, decision.headers())
 * @throws what a call throws has a `code`: `empty-key`, `key-too-long`, `zero-cost`, `cost-above-quota`
 */
export class Limiter {
  readonly policy: Policy
  readonly #plan: Plan
  readonly #handle: Plan['handle']
  readonly #queues: Queues

  /** @throws with code `notation`, `policy`, `options`, `memory` or one that begins with `segment-` */
  constructor(policy: string | Policy, options: LimiterOptions = {}) {
    this.policy = policy instanceof Policy ? policy : new Policy(policy)
    const clock = options.clock instanceof ManualClock ? options.clock : undefined
    this.#handle = native.createLimiter(memory, this.policy.handle, nativeOptions(options), clock?.handle)
    this.#plan = { handle: this.#handle, policy: this.policy }
    this.#queues = new Queues(() => native.now(this.#handle), clock)
    plans.set(this, this.#plan)
  }

  /** How many keys can be counted at once. */
  get maxKeys(): number {
    return native.maxKeys(this.#handle)
  }

  get counters(): Counters {
    const { denied, ...rest } = native.counters(this.#handle)
    return { ...rest, denied: Object.fromEntries(this.policy.limits.map(({ name }, i) => [name, denied[i]!])) }
  }

  /** Decides about a cost for `key`: all of it is taken from every limit, or nothing is. */
  check(key: Key, cost: Cost = 1): Decision {
    if (cost === 1) return Decision.last(this.#plan, check(this.#handle, given(key)))
    if (isPerLimit(cost)) {
      putCosts(this.#costs(cost))
      return Decision.last(this.#plan, native.checkCosts(this.#handle, given(key)))
    }
    return Decision.last(this.#plan, check(this.#handle, given(key), whole('a cost', cost)))
  }

  /** Whether a cost for `key` is within every limit; taken if so. The same as `check` in less time. */
  allow(key: Key, cost: Cost = 1): boolean {
    if (cost === 1) return allow(this.#handle, given(key))
    if (isPerLimit(cost)) return this.check(key, cost).allowed
    return allow(this.#handle, given(key), whole('a cost', cost))
  }

  /**
   * Decides about each key in order, as `check` would at one moment, in less time. If any key or cost is
   * wrong nothing is taken.
   *
   * @param costs one for all, or one for each
   */
  checkMany(keys: readonly Key[], costs: number | readonly number[] = 1): Decision[] {
    const own = [...keys]
    const count = own.length
    const each = costsOfBatch(count, costs)
    const records = room(count)
    const { bytes, ends } = pack(own)
    native.checkMany(this.#handle, count, bytes, ends, each, records.numbers)
    const decisions = new Array<Decision>(count)
    for (let i = 0; i < count; i++) decisions[i] = Decision.of(this.#plan, records, i)
    return decisions
  }

  /** What a check of one unit would be told; takes nothing. */
  peek(key: Key): Decision {
    return Decision.last(this.#plan, native.peek(this.#handle, given(key)))
  }

  /** Gives a cost back: a log forgets its newest events, a bucket gets its tokens back, up to full. */
  refund(key: Key, cost: Cost = 1): void {
    if (isPerLimit(cost)) {
      putCosts(this.#costs(cost))
      native.refundCosts(this.#handle, given(key))
    } else {
      native.refund(this.#handle, given(key), whole('a cost', cost))
    }
    this.#changed(key)
  }

  /** Forgets what `key` has used. */
  reset(key: Key): void {
    native.reset(this.#handle, given(key))
    this.#changed(key)
  }

  /**
   * Waits until a cost for `key` is admitted, at most for `timeout` seconds. Calls for one key are
   * admitted in their order: nobody takes anything while somebody is ahead, whatever the costs. The
   * decision is the admission, or the denial that stood when waiting ended; who has less time left than
   * the first must wait gets the first's denial at once. Nothing polls.
   *
   * @throws what `check` throws, at once; with code `options` for a timeout that is no number from 0 on
   */
  async acquire(key: Key, cost: Cost = 1, { signal, timeout = Infinity, ref = true }: AcquireOptions = {}): Promise<Decision> {
    signal?.throwIfAborted()
    this.#validate(key, cost)
    if (typeof timeout !== 'number' || !(timeout >= 0)) throw fault('options', `timeout is a number of seconds from 0 on, not ${String(timeout)}`)
    // They may change while we wait.
    const own = typeof key === 'string' ? key : key.slice()
    const price = isPerLimit(cost) ? { ...cost } : cost
    return this.#queues.wait(identity(own), { ask: () => this.check(own, price), timeout, signal, ref })
  }

  /** Throws what a check would throw. */
  #validate(key: Key, cost: Cost): void {
    if (isPerLimit(cost)) {
      putCosts(this.#costs(cost))
      native.validateCosts(this.#handle, given(key))
    } else {
      native.validate(this.#handle, given(key), whole('a cost', cost))
    }
  }

  #costs(costs: Readonly<Record<string, number>>): number[] {
    return costsOf(this.policy, costs).map((cost) => whole('a cost', cost))
  }

  #changed(key: Key): void {
    if (this.#queues.busy) this.#queues.wake(identity(key))
  }
}

/**
 * Decides about keys of several limiters at once, a user's and their organisation's: all admit, or
 * nothing is taken.
 *
 * @throws with code `joint` for no part, more than eight, or one limiter twice; else as `check`
 */
export function checkAll(parts: readonly Part[]): JointDecision {
  const all = parts.map(({ limiter }) => plans.get(limiter)!)
  const costs = Float64Array.from(parts, ({ cost = 1 }) => whole('a cost', cost))
  const records = room(parts.length)
  const { bytes, ends } = pack(parts.map(({ key }) => key))
  const found = native.checkAll(all.map((plan) => plan.handle), bytes, ends, costs, records.numbers)
  const decisions = all.map((plan, i) => Decision.of(plan, records, i))
  return { allowed: found >= 0, decisions, reported: decisions[found >= 0 ? found : -1 - found]! }
}

function isPerLimit(cost: Cost): cost is Readonly<Record<string, number>> {
  return typeof cost === 'object' && cost !== null
}

/** A name for the bytes of a key. */
function identity(key: Key): string {
  return (typeof key === 'string' ? Buffer.from(key) : Buffer.from(key.buffer, key.byteOffset, key.length)).toString('latin1')
}

const oneEach = new Float64Array(0)

function costsOfBatch(count: number, costs: number | readonly number[]): Float64Array {
  if (typeof costs !== 'number') {
    if (costs.length !== count) throw fault('cost-count', `${costs.length} costs were given for ${count} keys: give one for each`)
    return Float64Array.from(costs, (cost) => whole('a cost', cost))
  }
  return costs === 1 ? oneEach : new Float64Array(count).fill(whole('a cost', costs))
}

function nativeOptions({ maxKeys, segment, clock, onFull, onUnavailable }: LimiterOptions): NativeOptions {
  const options: NativeOptions = {}
  if (maxKeys !== undefined) options.maxKeys = whole('maxKeys', maxKeys)
  if (segment !== undefined) options.segment = segment
  if (typeof clock === 'string') options.clock = clock
  if (onFull !== undefined) options.onFull = onFull
  if (onUnavailable !== undefined) options.onUnavailable = onUnavailable
  return options
}
