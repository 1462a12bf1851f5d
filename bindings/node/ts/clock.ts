import { fault } from './errors.js'
import { native } from './native.js'
import type { ClockHandle } from '../native.js'

/**
 * A clock for tests: it moves only when told to, and wakes those who wait by it. Its epoch counts as
 * 1970 where headers ask for a date.
 *
 * @example
 * const clock = new ManualClock()
 * const limiter = new Limiter('1/minute', { clock })
 * limiter.allow('alice') // true
 * limiter.allow('alice') // false
 * clock.advance(60)
 * limiter.allow('alice') // true
 */
export class ManualClock {
  /** @internal */
  readonly handle: ClockHandle = native.createClock()
  readonly #listeners = new Set<() => void>()

  /** Moves the time forward by so many seconds. */
  advance(seconds: number): void {
    if (!(seconds >= 0 && seconds < 2 ** 34)) throw fault('options', `a clock is advanced by seconds, not by ${seconds}`)
    native.advanceClock(this.handle, seconds)
    this.#moved()
  }

  /** The time in nanoseconds; it can be set, backwards too. */
  get nanoseconds(): bigint {
    return native.readClock(this.handle)
  }

  set nanoseconds(value: bigint) {
    native.setClock(this.handle, BigInt.asUintN(64, value))
    this.#moved()
  }

  /** The time in seconds. */
  get seconds(): number {
    return Number(this.nanoseconds) / 1e9
  }

  /** @internal */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #moved(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
