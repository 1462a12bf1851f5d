/**
 * A store for express-rate-limit: its options, headers and answers, counted by an exact sliding log, in
 * the process or in a file that all processes share.
 *
 * @packageDocumentation
 */

import type { ClientRateLimitInfo, Options, Store } from 'express-rate-limit'
import { fault } from './errors.js'
import { HitLog, nameOf, type StoreOptions } from './hits.js'

export type { StoreOptions } from './hits.js'

/**
 * A store, for one `rateLimit` of express-rate-limit. What it denies it does not count.
 *
 * @example
 * app.use(rateLimit({ windowMs: 60_000, limit: 100, store: tidegateStore({ segment: '/dev/shm/api' }) }))
 */
export function tidegateStore(options: StoreOptions = {}): TidegateStore {
  return new TidegateStore(options)
}

class TidegateStore implements Store {
  /** Whether nobody else counts the same keys. */
  readonly localKeys: boolean
  /** By this the library tells the keys of several stores apart. */
  readonly prefix: string
  readonly #options: StoreOptions
  #make: () => HitLog = () => {
    throw fault('options', 'express-rate-limit has not told the store its limit and window: give it to one `rateLimit`')
  }
  #log: HitLog | undefined
  #limit: number | undefined
  #denied: Denied | undefined

  constructor(options: StoreOptions) {
    this.#options = options
    this.localKeys = options.segment === undefined
    this.prefix = options.segment ?? ''
  }

  /** Called by the library. */
  init({ windowMs, limit, skipFailedRequests, skipSuccessfulRequests }: Options): void {
    this.#limit = typeof limit === 'number' ? Math.max(Math.floor(limit), 0) : undefined
    this.#denied = skipFailedRequests || skipSuccessfulRequests ? new Denied() : undefined
    this.#make = () => {
      const most = typeof limit === 'number' ? limit : this.#options.limit
      if (most === undefined) throw fault('options', '`limit` is a function: tell the store the largest that it gives, tidegateStore({ limit: 1000 })')
      return new HitLog(most, windowMs, this.#options)
    }
    this.#log = this.#make()
  }

  /** Counts a hit if it is within the limit. */
  increment(key: string): ClientRateLimitInfo {
    const name = nameOf(key)
    const { allowed, hits, ms } = this.#counts().hit(name)
    const resetTime = new Date(Date.now() + ms)
    if (allowed) return { totalHits: hits, resetTime }
    const denied = this.#denied?.add(name, resetTime.getTime()) ?? 1
    // Where the limit is a function it is not known here: this is above all of them.
    return { totalHits: this.#limit === undefined ? Number.MAX_SAFE_INTEGER : this.#limit + denied, resetTime }
  }

  /** Takes a hit back. */
  async decrement(key: string): Promise<void> {
    const name = nameOf(key)
    if (!this.#denied?.take(name)) this.#counts().giveBack(name)
  }

  async get(key: string): Promise<ClientRateLimitInfo | undefined> {
    const { hits, ms } = this.#counts().look(nameOf(key))
    return hits === 0 ? undefined : { totalHits: hits, resetTime: new Date(Date.now() + ms) }
  }

  async resetKey(key: string): Promise<void> {
    const name = nameOf(key)
    this.#denied?.forget(name)
    this.#counts().forget(name)
  }

  /** Forgets all keys of this process. @throws with code `options` over a segment, where others count too */
  async resetAll(): Promise<void> {
    if (!this.localKeys) throw fault('options', 'a segment is not emptied as a whole, since others count by it: reset keys, or take another file')
    this.#denied?.clear()
    this.#log = this.#make()
  }

  /** Nothing runs that had to be stopped. */
  shutdown(): void {}

  #counts(): HitLog {
    this.#log ??= this.#make()
    return this.#log
  }
}

export type { TidegateStore }

/**
 * Denied requests that the library may take back when they have been answered, as it takes others back. A
 * denial has taken nothing, so these come first, and a hit of somebody else's is not given away for them.
 */
class Denied {
  readonly #byKey = new Map<string, { count: number; until: number }>()
  #sweepAt = 1024

  /** Counts one, until the time from which on the library does not take it back. */
  add(key: string, until: number): number {
    const now = Date.now()
    if (this.#byKey.size >= this.#sweepAt) this.#sweep(now)
    const known = this.#byKey.get(key)
    const count = known !== undefined && known.until > now ? known.count + 1 : 1
    this.#byKey.set(key, { count, until })
    return count
  }

  /** Takes one away, if there is one. */
  take(key: string): boolean {
    const known = this.#byKey.get(key)
    if (known === undefined) return false
    if (known.until <= Date.now()) return !this.#byKey.delete(key)
    if (--known.count === 0) this.#byKey.delete(key)
    return true
  }

  forget(key: string): void {
    this.#byKey.delete(key)
  }

  clear(): void {
    this.#byKey.clear()
  }

  #sweep(now: number): void {
    for (const [key, { until }] of this.#byKey) if (until <= now) this.#byKey.delete(key)
    this.#sweepAt = Math.max(1024, this.#byKey.size * 2)
  }
}
