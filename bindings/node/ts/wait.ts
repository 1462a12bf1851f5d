// Waiting for a turn, without polling and without overtaking: those who wait for one key stand in a
// queue, and whoever looks asks for its first alone.

import type { ManualClock } from './clock.js'
import type { Decision } from './decision.js'

/** Timers count in 31 bits of milliseconds; who waits longer looks again then. */
const LONGEST = 2 ** 31 - 1

export interface Wait {
  /** A check of what is waited for. */
  readonly ask: () => Decision
  /** The longest, in seconds; may be infinite. */
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  readonly ref: boolean
}

/** A place in a queue. */
interface Turn {
  readonly ask: () => Decision
  /** By the limiter's time. */
  readonly deadline: Time
  readonly ref: boolean
  readonly resolve: (decision: Decision) => void
  readonly reject: (reason: unknown) => void
}

/** Nanoseconds, which no fraction of a second is too small for; or never. */
type Time = bigint | typeof Infinity

/**
 * Those who wait for one key. What the first is told bounds the waiting of all, since nobody passes it:
 * who has no time until then gets the first's denial at once, and for the others one timer is enough.
 */
class Queue {
  readonly #now: () => bigint
  readonly #clock: ManualClock | undefined
  readonly #empty: () => void
  #turns: Turn[] = []
  /** Nobody's time is over before. */
  #earliest: Time = Infinity
  /** When the first can pass. */
  #due = 0n
  #timer: NodeJS.Timeout | undefined

  constructor(now: () => bigint, clock: ManualClock | undefined, emptied: () => void) {
    this.#now = now
    this.#clock = clock
    const deaf = clock?.listen(() => this.look())
    this.#empty = () => {
      deaf?.()
      emptied()
    }
  }

  /** Takes the last place, until answered; or until aborted, which rejects with the reason. */
  join({ ask, timeout, signal, ref }: Wait): Promise<Decision> {
    return new Promise((resolve, reject) => {
      const aborted = () => this.#leave(turn, signal?.reason)
      const deaf = <T>(settle: (value: T) => void) => (value: T) => {
        signal?.removeEventListener('abort', aborted)
        settle(value)
      }
      const turn: Turn = { ask, deadline: after(this.#now(), timeout), ref, resolve: deaf(resolve), reject: deaf(reject) }
      signal?.addEventListener('abort', aborted)
      this.#turns.push(turn)
      if (turn.deadline < this.#earliest) this.#earliest = turn.deadline
      this.look()
    })
  }

  #leave(turn: Turn, reason: unknown): void {
    turn.reject(reason)
    const wasFirst = this.#turns[0] === turn
    this.#turns = this.#turns.filter((other) => other !== turn)
    if (wasFirst) this.look()
    else this.#sleep()
  }

  /** Answers whom it can. */
  look(): void {
    while (this.#turns.length !== 0) {
      const denial = this.#askForFirst()
      if (denial === undefined) continue
      this.#denyTheHasty(denial)
      this.#sleep()
      return
    }
    clearTimeout(this.#timer)
    this.#empty()
  }

  /** The denial of a first who waits on; nothing when it has its answer, and another is first. */
  #askForFirst(): Decision | undefined {
    const first = this.#turns[0]!
    const now = this.#now()
    try {
      const decision = first.ask()
      this.#due = now + nanoseconds(decision.retryAfter ?? 0)
      if (!decision.allowed && this.#due <= first.deadline) return decision
      first.resolve(decision)
    } catch (error) {
      first.reject(error)
    }
    this.#turns.shift()
    return undefined
  }

  /** Answers those who have no time until the first can pass. */
  #denyTheHasty(denial: Decision): void {
    if (this.#earliest >= this.#due) return
    this.#earliest = Infinity
    const waiting = []
    for (const turn of this.#turns) {
      if (turn.deadline < this.#due) {
        turn.resolve(denial)
        continue
      }
      waiting.push(turn)
      if (turn.deadline < this.#earliest) this.#earliest = turn.deadline
    }
    this.#turns = waiting
  }

  /** Until the first can pass. A clock that stands still wakes us when it moves. */
  #sleep(): void {
    clearTimeout(this.#timer)
    if (this.#clock !== undefined) return
    const milliseconds = Math.ceil(Number(this.#due - this.#now()) / 1e6)
    this.#timer = setTimeout(() => this.look(), Math.min(milliseconds, LONGEST))
    if (!this.#turns.some(({ ref }) => ref)) this.#timer.unref()
  }
}

export class Queues {
  readonly #queues = new Map<string, Queue>()
  readonly #now: () => bigint
  readonly #clock: ManualClock | undefined

  constructor(now: () => bigint, clock: ManualClock | undefined) {
    this.#now = now
    this.#clock = clock
  }

  /** Waits behind all who wait for `key`. */
  wait(key: string, wait: Wait): Promise<Decision> {
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      queue = new Queue(this.#now, this.#clock, () => this.#queues.delete(key))
      this.#queues.set(key, queue)
    }
    return queue.join(wait)
  }

  /** Whether anybody waits at all. */
  get busy(): boolean {
    return this.#queues.size !== 0
  }

  /** Looks again whether the first in the queue of `key` can pass. */
  wake(key: string): void {
    this.#queues.get(key)?.look()
  }
}

function after(now: bigint, seconds: number): Time {
  return seconds === Infinity ? Infinity : now + nanoseconds(seconds)
}

function nanoseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9))
}
