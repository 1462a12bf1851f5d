// What stands before a server, whatever its framework: whom a request is counted by, what it costs, what
// the response says. The frameworks' own files make a View of a request, and write a Verdict.

import { Proxies, apiKey } from './address.js'
import { contentTooLarge, exposedHeaders, styleBits, type Body, type Decision, type Style } from './decision.js'
import { fault, whole, type TidegateError } from './errors.js'
import { checkAll, Limiter, type Cost } from './limiter.js'
import { MAX_KEY_BYTES, type Key } from './memory.js'
import { Policy } from './policy.js'

/** A limiter, what one is made of, or one for each tier by its name. */
export type Counted = Limiter | Policy | string | Readonly<Record<string, Limiter | Policy | string>>

/** What a request is counted by. Nothing, or what can be no key: the client's address. */
export type KeyFunction<R> = (request: R) => Key | null | undefined

export interface Options<R> {
  /**
   * `address` (default): the client's address, an IPv6 one by its network. `api-key`: the token of
   * `Authorization: Bearer`, or `X-API-Key`; the address where there is none.
   */
  readonly key?: 'address' | 'api-key' | KeyFunction<R>
  /** Which of several limiters counts a request, by its name. */
  readonly tier?: (request: R) => string
  /** What a request costs: 1. 0 is not counted. */
  readonly cost?: Cost | ((request: R) => Cost)
  /** What is let through uncounted: paths (one that ends in `/` stands for all below it), or who says so. */
  readonly exempt?: readonly (string | ((request: R) => boolean))[]
  /** Other limiters that count a request too: all admit it, or nothing is taken. Costs are numbers then. */
  readonly also?: readonly { readonly limiter: Limiter; readonly key: KeyFunction<R> }[]
  /** The headers: `x-ratelimit`, or several styles with `,` between them. */
  readonly style?: Style
  /** Adds `Access-Control-Expose-Headers`, so that scripts of other origins can read the headers. */
  readonly expose?: boolean
  /** The largest request body, in bytes; the policy's `maxBody` unless told. */
  readonly maxBody?: number
  /** The proxies that are believed about whom they answer, with `,` between them. None unless told. */
  readonly trustedProxies?: string
  /** The header that they write. */
  readonly forwardedHeader?: 'X-Forwarded-For' | 'Forwarded'
  /** How many bits of an IPv6 address stand for one client: 64. */
  readonly ipv6Prefix?: number
  /** `Retry-After` is longer by 0 to so many seconds, at random, so that clients do not return together. */
  readonly retryJitter?: number
  /** Lets requests through when nothing can be decided about them; else they are answered with 503. */
  readonly failOpen?: boolean
  /** Is told when nothing could be decided about a request. */
  readonly onError?: (error: TidegateError, request: R) => void
  /** Another body for a denial; what it leaves out stays. */
  readonly body?: (decision: Decision, request: R) => Partial<Body>
}

/** A request as the gate sees it. */
export interface View<R> {
  readonly raw: R
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** The other end of the connection. */
  readonly peer: string
  header(name: string): string | undefined
  lines(name: string): string[]
}

/** What becomes of a request. All have all fields: objects of one shape are made and read fastest. */
export interface Verdict {
  readonly decision: Decision | undefined
  /** For the response, whatever it is. */
  readonly headers: Readonly<Record<string, string>>
  /** What to answer with; if there is nothing, the request passes. */
  readonly answer: Body | undefined
  /** The most bytes that may still be read. */
  readonly maxBody: number | undefined
  /** Gives back what was taken, since the request is refused after all. */
  refund(): void
}

const EXPOSE = 'Access-Control-Expose-Headers'
const none: Readonly<Record<string, string>> = Object.freeze({})
const nothing = () => {}

type Decided = Record<symbol, Decision | undefined>

export class Gate<R extends object> {
  readonly #options: Options<R>
  readonly #limiter: Limiter | undefined
  readonly #tiers: ReadonlyMap<string, Limiter>
  readonly #proxies: Proxies
  readonly #exposed: string | undefined
  /** Where a request has its decision: a map of requests would keep the collector busy. */
  readonly #mark = Symbol('tidegate')

  constructor(counted: Counted, options: Options<R> = {}) {
    this.#options = options
    styleBits(options.style ?? 'x-ratelimit') // a style that is none is an error now, not at the first request
    if (options.maxBody !== undefined) whole('maxBody', options.maxBody)
    const tiers = isOne(counted) ? [] : Object.entries(counted).map(([name, one]) => [name, limiterOf(one)] as const)
    this.#limiter = isOne(counted) ? limiterOf(counted) : undefined
    this.#tiers = new Map(tiers)
    if (this.#limiter === undefined && options.tier === undefined) throw fault('options', 'several tiers were given, and no `tier` that chooses one')
    const { trustedProxies, forwardedHeader = 'X-Forwarded-For', ipv6Prefix = 64 } = options
    this.#proxies = new Proxies(trustedProxies, { header: forwardedHeader, ipv6Prefix })
    this.#exposed = options.expose ? exposedHeaders(options.style) : undefined
  }

  /** What was decided about a request. */
  decisionOf(request: R): Decision | undefined {
    return (request as Decided)[this.#mark]
  }

  /** What becomes of a request. Throws only what the functions of the options throw. */
  judge(view: View<R>): Verdict {
    if (isPreflight(view) || this.#isExempt(view)) return uncounted()
    const limiter = this.#limiterFor(view.raw)
    const maxBody = this.#options.maxBody ?? limiter.policy.maxBody
    if (maxBody !== undefined && Number(view.header('content-length')) > maxBody) {
      return uncounted(undefined, contentTooLarge(maxBody))
    }
    const cost = this.#costOf(view.raw)
    if (cost === 0) return uncounted(maxBody)
    const parts = this.#parts(view, limiter)
    try {
      const decision = decide(parts, cost)
      ;(view.raw as Decided)[this.#mark] = decision
      const refund = () => parts.forEach(({ limiter, key }) => limiter.refund(key, cost))
      const retryAfter = this.#retryAfter(decision)
      const [headers, answer] = [this.#headers(decision, retryAfter), this.#answer(view, decision, retryAfter)]
      return { decision, headers, answer, maxBody, refund }
    } catch (error) {
      return this.#failed(view, error as TidegateError, maxBody)
    }
  }

  #isExempt(view: View<R>): boolean {
    const { exempt } = this.#options
    return exempt !== undefined && exempt.some((one) => (typeof one === 'string' ? isBelow(view.path, one) : one(view.raw)))
  }

  #limiterFor(request: R): Limiter {
    if (this.#limiter !== undefined) return this.#limiter
    const name = this.#options.tier!(request)
    const limiter = this.#tiers.get(name)
    if (limiter === undefined) throw fault('options', `no tier is named \`${name}\`; there are \`${[...this.#tiers.keys()].join('`, `')}\``)
    return limiter
  }

  #costOf(request: R): Cost {
    const { cost = 1 } = this.#options
    return typeof cost === 'function' ? cost(request) : cost
  }

  #parts(view: View<R>, limiter: Limiter): { limiter: Limiter; key: Key }[] {
    const { key = 'address', also = [] } = this.#options
    const others = also.map((one) => ({ limiter: one.limiter, key: this.#keyOf(view, one.key) }))
    return [{ limiter, key: this.#keyOf(view, key) }, ...others]
  }

  /** Nobody escapes by leaving a key away, or by making it too long. */
  #keyOf(view: View<R>, by: NonNullable<Options<R>['key']>): Key {
    const key = typeof by === 'function' ? by(view.raw) : by === 'api-key' ? apiKeyOf(view) : undefined
    const isKey = key !== undefined && key !== null && key.length !== 0 && byteLength(key) <= MAX_KEY_BYTES
    return isKey ? key : this.#address(view)
  }

  #address(view: View<R>): string {
    const { trustedProxies } = this.#options
    return this.#proxies.key(view.peer, trustedProxies ? view.lines(this.#proxies.header) : [])
  }

  #retryAfter(decision: Decision): number {
    const { retryJitter = 0 } = this.#options
    return decision.allowed || retryJitter === 0 ? 0 : decision.jittered(retryJitter)
  }

  #headers(decision: Decision, retryAfter: number): Record<string, string> {
    const headers = decision.headers(this.#options.style, retryAfter)
    if (this.#exposed !== undefined) headers[EXPOSE] = this.#exposed
    return headers
  }

  #answer(view: View<R>, decision: Decision, retryAfter: number): Body | undefined {
    if (decision.allowed) return undefined
    return { ...decision.body(view.header('accept'), retryAfter)!, ...this.#options.body?.(decision, view.raw) }
  }

  /** A cost that can never be admitted is the request's fault; everything else is ours. */
  #failed(view: View<R>, error: TidegateError, maxBody: number | undefined): Verdict {
    if (error.code === 'cost-above-quota') {
      return uncounted(undefined, message(400, 'The request costs more than its quota ever admits.'))
    }
    this.#options.onError?.(error, view.raw)
    if (this.#options.failOpen) return uncounted(maxBody)
    return uncounted(undefined, message(503, "Rate limits can't be checked at the moment."))
  }
}

function uncounted(maxBody?: number, answer?: Body): Verdict {
  return { decision: undefined, headers: none, answer, maxBody, refund: nothing }
}

function isOne(counted: Counted): counted is Limiter | Policy | string {
  return typeof counted === 'string' || counted instanceof Limiter || counted instanceof Policy
}

function limiterOf(one: Limiter | Policy | string): Limiter {
  return one instanceof Limiter ? one : new Limiter(one)
}

function byteLength(key: Key): number {
  return typeof key === 'string' ? Buffer.byteLength(key) : key.length
}

function decide(parts: readonly { limiter: Limiter; key: Key }[], cost: Cost): Decision {
  const [first, ...others] = parts
  if (others.length === 0) return first!.limiter.check(first!.key, cost)
  return checkAll(parts.map((part) => ({ ...part, cost: cost as number }))).reported
}

function apiKeyOf<R>(view: View<R>): string | undefined {
  return apiKey(view.header('authorization'), view.header('x-api-key'))
}

/** A browser's question before the request proper: what Fetch calls a CORS-preflight request. */
function isPreflight<R>(view: View<R>): boolean {
  return view.method === 'OPTIONS' && view.header('origin') !== undefined && view.header('access-control-request-method') !== undefined
}

/** Whether a path is exempt. One that a router may read as another, such as /health/../orders, never is. */
function isBelow(path: string, exempt: string): boolean {
  if (/%|\\|\/\/|\/\.{1,2}(\/|$)/.test(path)) return false
  return path === exempt || (exempt.endsWith('/') && `${path}/`.startsWith(exempt))
}

/** A body in the shape of our others. */
function message(status: number, text: string): Body {
  return { status, contentType: 'application/json', cacheControl: 'no-store', text: JSON.stringify({ message: text, status: 'error' }) }
}
