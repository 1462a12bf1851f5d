// What is asked of a gate's options when it is made, so that no request finds out that one is wrong.

import { isAsyncFunction } from 'node:util/types'
import { fault } from './errors.js'

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
