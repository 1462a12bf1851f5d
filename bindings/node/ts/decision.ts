import { inspect, type InspectOptions } from 'node:util'
import { fault } from './errors.js'
import { keep, marks as marksOf, record, recordAt, restore, state, type Records } from './memory.js'
import { native } from './native.js'
import type { Handle } from '../native.js'
import type { Limit, Policy } from './policy.js'

/** What all decisions of a limiter have in common. */
export interface Plan {
  readonly handle: Handle
  readonly policy: Policy
}

/** The state of one limit after a decision. Times in seconds. */
export interface LimitState {
  readonly name: string
  readonly quota: number
  readonly window: number
  /** Whether it denies. */
  readonly violated: boolean
  /** Whole cost units left. A refused cost takes nothing. */
  readonly remaining: number
  /** Until it has its full quota again if nothing more is sent. */
  readonly resetAfter: number
  /** Until this cost can pass this limit; 0 if it can now. */
  readonly retryAfter: number
  /** How long `remaining` holds: `t` of the IETF headers. */
  readonly effectiveWindow: number
}

/** A body for a response, and what goes with it. */
export interface Body {
  readonly status: number
  readonly contentType: string
  readonly cacheControl: string
  /** JSON. */
  readonly text: string
}

/** `x-ratelimit`, `ietf`, `ietf-06`, or several with `,` between them. */
export type Style = 'x-ratelimit' | 'ietf' | 'ietf-06' | (string & {})

const known = new Map<string, number>()

/** @internal */
export function styleBits(style: string): number {
  let bits = known.get(style)
  if (bits === undefined) {
    bits = native.styleBits(style)
    if (known.size < 64) known.set(style, bits)
  }
  return bits
}

const TRACKED = 1 << 16
const noWords: readonly string[] = Object.freeze([])

/**
 * Allowed or not, and the state of every limit.
 *
 * The single values speak of one limit: on an admission the policy's first (or the tightest, if its
 * `report` says so), on a denial the denying limit with the longest wait. They are worked out when they
 * are asked for. Times are seconds.
 */
export class Decision {
  /** Whether the request is within every limit; only then has anything been taken. */
  readonly allowed: boolean
  readonly #plan: Plan
  readonly #marks: number
  readonly #kept: readonly number[]

  private constructor(plan: Plan, marks: number, kept: readonly number[]) {
    this.allowed = (marks & 0xff) === 0
    this.#plan = plan
    this.#marks = marks
    this.#kept = kept
  }

  /** The decision that the native half has just made. @internal */
  static last(plan: Plan, marks: number): Decision {
    return new Decision(plan, marks, keep(record, 0, plan.policy.limits.length))
  }

  /** Decision `index` of a batch. @internal */
  static of(plan: Plan, records: Records, index: number): Decision {
    const at = recordAt(index)
    return new Decision(plan, marksOf(records, at), keep(records, at, plan.policy.limits.length))
  }

  get #reported(): Limit {
    return this.#plan.policy.limits[(this.#marks >> 8) & 0xff]!
  }

  /** The name of the limit that the single values speak of. */
  get reported(): string {
    return this.#reported.name
  }

  /** The quota of the reported limit, in cost units per window. */
  get limit(): number {
    return this.#reported.quota
  }

  /** Whole cost units that the reported limit has left. */
  get remaining(): number {
    return this.#kept[0]!
  }

  /** Until the reported limit has its full quota again if nothing more is sent. */
  get resetAfter(): number {
    return this.#kept[1]!
  }

  /** On a denial, the time after which this very cost can pass; `undefined` when allowed. */
  get retryAfter(): number | undefined {
    return this.allowed ? undefined : this.#kept[2]!
  }

  /** The value of `Retry-After`: whole seconds, rounded up, at least 1; `undefined` when allowed. */
  get retryAfterSeconds(): number | undefined {
    return this.allowed ? undefined : native.retryAfterSeconds(this.#asked())
  }

  /** The names of the limits that deny, in the policy's order; none when allowed. */
  get violated(): readonly string[] {
    if (this.allowed) return noWords
    return this.#plan.policy.limits.filter((_, i) => (this.#marks >> i) & 1).map((limit) => limit.name)
  }

  /** Whether the key has an entry of its own; if not, the table was full and `onFull` decided. */
  get tracked(): boolean {
    return (this.#marks & TRACKED) !== 0
  }

  /** The limiter's time at which this was decided, in seconds since its clock's epoch. */
  get at(): number {
    return (this.#kept[3]! + this.#kept[4]! * 2 ** 32) / 1e9
  }

  /** The state of every limit, in the policy's order. */
  get limits(): LimitState[] {
    native.limitStates(this.#asked())
    return this.#plan.policy.limits.map(({ name, quota, window }, i) => {
      const [remaining, resetAfter, retryAfter, effectiveWindow] = state(i)
      const violated = ((this.#marks >> i) & 1) === 1
      return { name, quota, window, violated, remaining, resetAfter, retryAfter, effectiveWindow }
    })
  }

  /** The policy that was applied. */
  get policy(): Policy {
    return this.#plan.policy
  }

  /**
   * The headers of a response, in one style or several: `'x-ratelimit, ietf'`. `Retry-After` comes with
   * a denial in each, no earlier than in `retryAfter` seconds; see {@link jittered}.
   *
   * @throws with code `options` for a style that is none
   */
  headers(style: Style = 'x-ratelimit', retryAfter = 0): Record<string, string> {
    const bits = styleBits(style)
    const text = native.headers(this.#asked(), bits, retryAfter)
    return byName(text, namesIn(text, this.allowed ? bits : -bits))
  }

  /**
   * The body of a denial: a message as JSON, or a problem (RFC 9457) if the `Accept` header prefers that.
   * `undefined` when allowed.
   */
  body(accept = '', retryAfter = 0): Body | undefined {
    return this.allowed ? undefined : native.body(this.#asked(), accept, retryAfter)!
  }

  /**
   * `Retry-After` made longer by 0 to `spread` whole seconds, so that clients that were denied together
   * do not come back together: for {@link headers} and {@link body}. 0 when allowed.
   */
  jittered(spread: number, random: () => number = Math.random): number {
    const seconds = this.retryAfterSeconds
    return seconds === undefined ? 0 : seconds + Math.floor(random() * (Math.floor(spread) + 1))
  }

  toJSON(): Record<string, unknown> {
    const { allowed, limit, remaining, resetAfter, retryAfter, violated, limits } = this
    return { allowed, limit, remaining, resetAfter, retryAfter, violated, limits }
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `Decision ${inspect(this.toJSON(), options)}`
  }

  /** The limiter, with this decision before it. */
  #asked(): Handle {
    restore(this.#kept, this.#marks)
    return this.#plan.handle
  }
}

/** The names in a head, which are the same for each style: once seen they are not read again. */
const names = new Map<number, readonly string[]>()

function namesIn(text: string, kind: number): readonly string[] {
  let found = names.get(kind)
  if (found === undefined) {
    found = text.split('\r\n').slice(0, -1).map((line) => line.slice(0, line.indexOf(':')))
    names.set(kind, found)
  }
  return found
}

/** Headers from lines of `Name: value` that end in CR LF. */
function byName(text: string, names: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {}
  let start = 0
  for (const name of names) {
    const value = start + name.length + 2
    const end = text.indexOf('\r\n', value)
    headers[name] = text.slice(value, end)
    start = end + 2
  }
  return headers
}

/** The body for a request whose own is larger than `limit` bytes: 413. */
export function contentTooLarge(limit: number): Body {
  return native.contentTooLarge(limit)
}

/**
 * The value of `Access-Control-Expose-Headers` that lets scripts of another origin read the headers of
 * these styles.
 */
export function exposedHeaders(style: Style = 'x-ratelimit'): string {
  return native.exposedHeaders(styleBits(style))
}

/** @internal */
export function costsOf(policy: Policy, costs: Readonly<Record<string, number>>): number[] {
  const { limits } = policy
  for (const name of Object.keys(costs)) {
    if (!limits.some((limit) => limit.name === name)) {
      const names = limits.map((limit) => `\`${limit.name}\``).join(', ')
      throw fault('cost-count', `no limit is named \`${name}\`; the policy has ${names}`)
    }
  }
  return limits.map((limit) => costs[limit.name] ?? 0)
}
