/**
 * What this package throws: an `Error` with a `code` that is the same in every language and never
 * changes, such as `notation`, `empty-key` or `segment-policy`. A denial is no error.
 */
export interface TidegateError extends Error {
  readonly code: string
  /** Of a fault in policy notation: its place, in bytes of UTF-8. */
  readonly at?: number
  readonly length?: number
}

/** An error that is found before the native half is asked. */
export function fault(code: string, message: string, kind: new (message: string) => Error = RangeError): TidegateError {
  return Object.assign(new kind(message), { code })
}

/** A number of bytes, keys or cost units: whole, and not negative. */
export function whole(what: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw fault('options', `${what} is a whole number and not negative, not ${String(value)}`)
}
