// An exact log of hits, for libraries that count by windows which begin with a client's first request:
// what their stores are asked, answered by a window that slides.

import { fault } from './errors.js'
import { Limiter, type LimiterOptions } from './limiter.js'

export interface StoreOptions extends LimiterOptions {
  /**
   * The beginning of the files' names that processes share their counts by: `/dev/shm/api` is
   * `/dev/shm/api.100-60` for 100 in 60 seconds. What counts apart needs a name of its own.
   */
  readonly segment?: string
  /** Where the library's limit is a function: the largest that it gives. */
  readonly limit?: number
}

/** What a key has used, and milliseconds until that is over: when admitted all of it, when not enough of it. */
export interface Hits {
  readonly allowed: boolean
  readonly hits: number
  readonly ms: number
}

export class HitLog {
  readonly #quota: number
  readonly #windowMs: number
  /** None where nothing is ever admitted. */
  readonly #limiter: Limiter | undefined

  /** @throws with code `options`, or what a limiter throws */
  constructor(limit: number, windowMs: number, { limit: _, segment, ...options }: StoreOptions) {
    if (!Number.isFinite(limit)) throw fault('options', `a limit is a number of hits, not ${limit}`)
    if (!(windowMs > 0 && windowMs < Infinity)) throw fault('options', `a window is a number of milliseconds above 0, not ${windowMs}`)
    this.#quota = Math.max(Math.floor(limit), 0)
    this.#windowMs = windowMs
    if (this.#quota === 0) return
    const file = segment === undefined ? {} : { segment: `${segment}.${this.#quota}-${windowMs / 1000}` }
    this.#limiter = new Limiter(`${this.#quota}/${Math.round(windowMs * 1e6)} ns`, { ...options, ...file })
  }

  /** Counts a hit if there are no more than `limit` then; that may be less than the log has room for. */
  hit(key: string, limit = this.#quota): Hits {
    const limiter = this.#limiter
    if (limiter === undefined || limit < 1) return { allowed: false, hits: 0, ms: this.#windowMs }
    const { allowed, remaining, resetAfter, retryAfter } = limiter.check(key)
    const hits = this.#quota - remaining
    if (!allowed) return { allowed, hits, ms: milliseconds(retryAfter!) }
    if (hits <= limit) return { allowed, hits, ms: milliseconds(resetAfter) }
    limiter.refund(key)
    return this.#above(limiter, key, Math.floor(limit))
  }

  /** A hit for which there is room in the log and not in the limit. Asked with what the limit leaves unused, the log says when there is. */
  #above(limiter: Limiter, key: string, limit: number): Hits {
    const unused = this.#quota - limit
    const { allowed, remaining, retryAfter, resetAfter } = limiter.check(key, unused + 1)
    if (!allowed) return { allowed, hits: limit, ms: milliseconds(retryAfter!) }
    // Another hit has left since it was asked first.
    limiter.refund(key, unused)
    return { allowed, hits: this.#quota - remaining - unused, ms: milliseconds(resetAfter) }
  }

  /** What a key has used. */
  look(key: string): Hits {
    if (this.#limiter === undefined) return { allowed: false, hits: 0, ms: 0 }
    const { allowed, remaining, resetAfter } = this.#limiter.peek(key)
    return { allowed, hits: this.#quota - remaining, ms: milliseconds(resetAfter) }
  }

  /** Counts a hit in any case: where there is no room, in place of the newest. */
  note(key: string): Hits {
    const noted = this.hit(key)
    if (noted.allowed) return noted
    this.giveBack(key)
    return this.hit(key)
  }

  /** Takes the newest hit away. */
  giveBack(key: string): void {
    this.#limiter?.refund(key)
  }

  forget(key: string): void {
    this.#limiter?.reset(key)
  }
}

/** Those who show no key are counted together, as the libraries' own stores do. */
export function nameOf(key: unknown): string {
  return String(key) || '\0'
}

function milliseconds(seconds: number): number {
  return Math.ceil(seconds * 1000)
}
