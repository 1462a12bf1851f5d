import { native } from './native.js'
import type { PolicyFileHandle, PolicyHandle } from '../native.js'

/** One limit of a policy. Times in seconds. */
export interface Limit {
  readonly name: string
  /** Cost units per window. */
  readonly quota: number
  readonly window: number
  readonly algorithm: 'sliding-window-log' | 'token-bucket'
  /** The most that one call may cost: a log's quota, a bucket's burst. */
  readonly capacity: number
  readonly unit: 'requests' | 'content-bytes' | 'concurrent-requests'
  /** The tick in which it counts time. */
  readonly resolution: number
}

/** Which limit the single-value headers speak of on an admission. */
export type Report = 'first' | 'tightest'

export interface PolicyChoices {
  readonly name?: string
  readonly report?: Report
  /** The largest request body, in bytes. */
  readonly maxBody?: number
}

/**
 * Limits that are decided together: all admit, or nothing is taken.
 *
 * @example
 * const policy = new Policy('100/minute; 10/second token-bucket burst=20')
 * policy.limits[1].capacity // 20
 * @throws with code `notation`, `at` and `length`, or `policy`
 */
export class Policy {
  /** @internal */
  readonly handle: PolicyHandle
  /** The canonical notation, which reads as the same limits. */
  readonly notation: string
  /** Its name, if it came from a policy file or was given one. */
  readonly name: string | undefined
  readonly report: Report
  readonly maxBody: number | undefined
  readonly limits: readonly Limit[]

  constructor(notation: string | PolicyHandle) {
    this.handle = typeof notation === 'string' ? native.parsePolicy(notation) : notation
    const { notation: canonical, name, report, maxBody, limits } = native.describePolicy(this.handle)
    this.notation = canonical
    this.name = name ?? undefined
    this.report = report as Report
    this.maxBody = maxBody ?? undefined
    this.limits = Object.freeze(limits.map((limit) => Object.freeze(limit as Limit)))
  }

  /** The same policy with other choices. */
  with({ name, report, maxBody }: PolicyChoices): Policy {
    return new Policy(native.changePolicy(this.handle, name, report, maxBody))
  }

  toString(): string {
    return this.notation
  }
}

/**
 * Named policies from a TOML file, in the file's order.
 *
 * @example
 * const file = PolicyFile.load('policies.toml')
 * const limiter = new Limiter(file.require('free'))
 */
export class PolicyFile {
  readonly #handle: PolicyFileHandle
  /** The names of the policies. */
  readonly names: readonly string[]

  private constructor(handle: PolicyFileHandle) {
    this.#handle = handle
    this.names = Object.freeze(native.policyNames(handle))
  }

  /** @throws with code `policy-file`; the message has the line */
  static load(path: string): PolicyFile {
    return new PolicyFile(native.loadPolicyFile(path))
  }

  /** @throws with code `policy-file` */
  static fromToml(text: string): PolicyFile {
    return new PolicyFile(native.parsePolicyFile(text))
  }

  get(name: string): Policy | undefined {
    return this.names.includes(name) ? this.require(name) : undefined
  }

  /** @throws with code `policy-file`; the message has the names that there are */
  require(name: string): Policy {
    return new Policy(native.requirePolicy(this.#handle, name))
  }

  *[Symbol.iterator](): Generator<Policy> {
    for (const name of this.names) yield this.require(name)
  }
}
