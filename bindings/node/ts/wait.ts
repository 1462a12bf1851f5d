// Waiting for a turn, without polling and without overtaking: those who wait for one key stand in a
// queue; the first sleeps until the time that its denial named, the others until they are first.

import type { ManualClock } from './clock.js'

/** Timers count in 31 bits of milliseconds; who waits longer looks again then. */
const LONGEST = 2 ** 31 - 1

export interface Sleep {
  /** Seconds; may be infinite. */
  readonly seconds: number
  readonly signal: AbortSignal | undefined
  readonly ref: boolean
}

/** A place in a queue. */
class Turn {
  wake: () => void = () => {}
}

export class Queues {
  readonly #queues = new Map<string, Turn[]>()
  readonly #clock: ManualClock | undefined

  constructor(clock: ManualClock | undefined) {
    this.#clock = clock
  }

  /** Takes the last place in the queue of `key`. */
  join(key: string): Turn {
    const turn = new Turn()
    const queue = this.#queues.get(key)
    if (queue === undefined) this.#queues.set(key, [turn])
    else queue.push(turn)
    return turn
  }

  isFirst(key: string, turn: Turn): boolean {
    return this.#queues.get(key)?.[0] === turn
  }

  leave(key: string, turn: Turn): void {
    const queue = this.#queues.get(key) ?? []
    const rest = queue.filter((other) => other !== turn)
    if (rest.length === 0) this.#queues.delete(key)
    else this.#queues.set(key, rest)
    this.wake(key)
  }

  /** Whether anybody waits at all. */
  get busy(): boolean {
    return this.#queues.size !== 0
  }

  /** Lets the first in the queue of `key` look again. */
  wake(key: string): void {
    this.#queues.get(key)?.[0]?.wake()
  }

  /** Until woken, until the time has passed, or until aborted, which rejects with the reason. */
  sleep(turn: Turn, { seconds, signal, ref }: Sleep): Promise<void> {
    return new Promise((resolve, reject) => {
      const clock = this.#clock
      const aborted = () => done(() => reject(signal?.reason))
      const timer = clock === undefined ? timeout(() => turn.wake(), seconds, ref) : undefined
      // By a clock that stands still all look again, since a time-out may have passed for any.
      const deaf = clock?.listen(() => turn.wake())
      const done = (settle: () => void) => {
        clearTimeout(timer)
        deaf?.()
        signal?.removeEventListener('abort', aborted)
        settle()
      }
      turn.wake = () => done(resolve)
      signal?.addEventListener('abort', aborted)
    })
  }
}

/** No timer for ever: whoever is first has one. */
function timeout(wake: () => void, seconds: number, ref: boolean): NodeJS.Timeout | undefined {
  if (seconds === Infinity) return undefined
  const timer = setTimeout(wake, Math.min(Math.ceil(seconds * 1000), LONGEST))
  if (!ref) timer.unref()
  return timer
}
