/**
 * A store for @fastify/rate-limit: its options, headers and answers, counted by an exact sliding log, in
 * the process or in files that all processes share.
 *
 * @packageDocumentation
 */

import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import { fault } from './errors.js'
import { HitLog, nameOf, type StoreOptions } from './hits.js'

export type { StoreOptions } from './hits.js'

type Callback = Parameters<FastifyRateLimitStore['incr']>[1]

/** What a store tells the library: hits, and milliseconds. */
interface Told {
  readonly current: number
  readonly ttl: number
}

/** What the library tells a store, of its options and those of a route. */
interface Params {
  readonly max?: unknown
  readonly ban?: number
  readonly continueExceeding?: boolean
  readonly exponentialBackoff?: boolean
  readonly groupId?: string
  readonly routeInfo?: { readonly method?: string | readonly string[]; readonly url?: string }
}

/**
 * A store, for one registration of @fastify/rate-limit. What it denies it does not count.
 *
 * @example
 * await app.register(rateLimit, { max: 100, timeWindow: '1 minute', store: tidegateStore({ segment: '/dev/shm/api' }) })
 */
export function tidegateStore(options: StoreOptions = {}): FastifyRateLimitStoreCtor {
  return class extends TidegateStore {
    constructor(params: Params) {
      super(params, new Family(options), '')
    }
  }
}

class TidegateStore implements FastifyRateLimitStore {
  readonly #family: Family
  /** Before the keys of a route, or of what else counts apart. */
  readonly #prefix: string
  /** How many hits the log has room for; a function gives less, or as much. */
  readonly #most: number | undefined
  /** How many hits beyond the limit are told apart; none where nobody asks. */
  readonly #beyond: number | undefined
  readonly #stays: boolean

  constructor({ max, ban = -1, continueExceeding = false, exponentialBackoff = false }: Params, family: Family, prefix: string) {
    if (exponentialBackoff) throw fault('options', 'a window that slides has no `exponentialBackoff`: `continueExceeding` keeps those out who do not stop')
    if (typeof max === 'function' && family.limit === undefined) {
      throw fault('options', '`max` is a function: tell the store the largest that it gives, tidegateStore({ limit: 1000 })')
    }
    this.#family = family
    this.#prefix = prefix
    this.#most = typeof max === 'function' ? family.limit : undefined
    this.#beyond = ban >= 0 ? ban + 1 : continueExceeding ? 1 : undefined
    this.#stays = continueExceeding
  }

  /** Counts a hit if it is within the limit. */
  incr(key: string, callback: Callback, timeWindow: number, max: number): void {
    answer(callback, () => this.#hit(this.#prefix + nameOf(key), timeWindow, max))
  }

  /** What a key has used; nothing is counted. */
  read(key: string, callback: Callback, timeWindow: number, max: number): void {
    answer(callback, () => {
      const name = this.#prefix + nameOf(key)
      const { hits, ms } = this.#family.log(this.#most ?? max, timeWindow).look(name)
      const beyond = this.#logBeyond(timeWindow)?.look(name)
      return beyond?.hits ? { current: max + beyond.hits, ttl: Math.max(ms, beyond.ms) } : { current: hits, ttl: ms }
    })
  }

  /** The store of a route. */
  child(params: object): TidegateStore {
    return new TidegateStore(params, this.#family, this.#family.prefixOf(params))
  }

  #hit(name: string, timeWindow: number, max: number): Told {
    const beyond = this.#logBeyond(timeWindow)
    if (this.#stays && beyond!.look(name).hits > 0) return this.#above(beyond!, name, max, timeWindow)
    const { allowed, hits, ms } = this.#family.log(this.#most ?? max, timeWindow).hit(name, max)
    if (allowed) return { current: hits, ttl: ms }
    return beyond === undefined ? { current: max + 1, ttl: ms } : this.#above(beyond, name, max, ms)
  }

  #above(beyond: HitLog, name: string, max: number, ms: number): Told {
    const noted = beyond.note(name)
    return { current: max + noted.hits, ttl: this.#stays ? noted.ms : ms }
  }

  #logBeyond(timeWindow: number): HitLog | undefined {
    return this.#beyond === undefined ? undefined : this.#family.log(this.#beyond, timeWindow, '.beyond')
  }
}

/** The logs that a store and those of its routes have in common, one for each limit and window. */
class Family {
  readonly #options: StoreOptions
  readonly #logs = new Map<string, HitLog>()
  #others = 0

  constructor(options: StoreOptions) {
    this.#options = options
  }

  get limit(): number | undefined {
    return this.#options.limit
  }

  log(limit: number, timeWindow: number, kind = ''): HitLog {
    const id = `${kind} ${limit} ${timeWindow}`
    const known = this.#logs.get(id)
    if (known !== undefined) return known
    // A window that is another each time would begin anew each time, and hold nobody back.
    if (this.#logs.size >= MOST_LOGS) throw fault('options', `\`timeWindow\` has given too many different windows: a store keeps ${MOST_LOGS} of them and of limits`)
    const { segment } = this.#options
    const log = new HitLog(limit, timeWindow, segment === undefined ? this.#options : { ...this.#options, segment: segment + kind })
    this.#logs.set(id, log)
    return log
  }

  /** Routes count apart, HEAD with its GET; a group of them together; and what has no route by its turn. */
  prefixOf({ groupId, routeInfo: { method, url } = {} }: Params): string {
    if (groupId !== undefined) return 'group '
    return url === undefined ? `${++this.#others} ` : `${String(method).replace('HEAD', 'GET')} ${url} `
  }
}

const MOST_LOGS = 256

function answer(callback: Callback, ask: () => Told): void {
  let told: Told
  try {
    told = ask()
  } catch (error) {
    return callback(error as Error)
  }
  callback(null, told)
}
