// What stands before a server, whatever its framework: whom a request is counted by, what it costs, what
// the response says. The frameworks' own files make a View of a request, and write a Verdict.

import { Proxies, apiKey } from './address.js'
import { contentTooLarge, exposedHeaders, styleBits, type Body, type Decision, type Style } from './decision.js'
import { fault, whole, type TidegateError } from './errors.js'
import { checkAll, Limiter, type Cost } from './limiter.js'
import { MAX_KEY_BYTES, type Key } from './memory.js'
import { AMBIGUOUS, answered, checkCost, checkExempt, checkFunction, checkYesOrNo } from './options.js'
import type { Policy } from './policy.js'

/** A limiter, what one is made of, or who chooses one for a request (a tier); `null` lets it pass uncounted. */
export type Counted<R> = Limiter | Policy | string | ((request: R) => Limiter | null)

/** Nothing, or what can be no key, is no key. */
export type KeyFunction<R> = (request: R) => Key | null | undefined

/**
 * What a request is counted by. `address`: the client's address, an IPv6 one by its network. `api-key`: the
 * token of `Authorization: Bearer`, or `X-API-Key`. `header:X-User`: that header.
 */
export type KeySource<R> = 'address' | 'api-key' | `header:${string}` | KeyFunction<R>

export interface Options<R> {
  /** One, or the first of several that a request shows. Who shows none is counted by the address, as by default. */
  readonly key?: KeySource<R> | readonly KeySource<R>[]
  /** What a request costs: 1. 0, also for every limit, is not counted. */
  readonly cost?: Cost | ((request: R) => Cost)
  /**
   * What is let through uncounted: paths (one that ends in `/` stands for all below it), or who says so. A path
   * that routers may read as another is never exempt: one with `.`, `..` or nothing between two `/`, with `\`,
   * or with one of these or `%` encoded.
   */
  readonly exempt?: readonly (string | ((request: R) => boolean))[]
  /** Other limiters that count a request too: all admit it, or nothing is taken. Costs are numbers then. */
  readonly also?: readonly { readonly limiter: Limiter; readonly key: Required<Options<R>>['key'] }[]
  /** The headers: `x-ratelimit`, or several styles with `,` between them. */
  readonly style?: Style
  /** Adds `Access-Control-Expose-Headers`, so that scripts of other origins can read the headers. */
  readonly exposeHeaders?: boolean
  /** The largest request body, in bytes; the policy's `maxBody` unless told. */
  readonly maxBody?: number
  /**
   * The proxies that are believed about whom they answer, with `,` between them. Unless told, the framework's
   * own setting holds (`trust proxy`, `trustProxy`, `proxy`), and without that none.
   */
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
  /** Who the framework says is the client, where it was told to believe proxies. */
  readonly ip: string | undefined
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

type Finder<R> = (view: View<R>) => Key | null | undefined
type Decided = Record<symbol, Decision | undefined>

export class Gate<R extends object> {
  readonly #options: Options<R>
  readonly #choose: (request: R) => Limiter | null
  readonly #parts: readonly { readonly limiter?: Limiter; readonly keys: readonly Finder<R>[] }[]
  readonly #proxies: Proxies
  readonly #exposed: string | undefined
  /** Where a request has its decision: a map of requests would keep the collector busy. */
  readonly #mark = Symbol('tidegate')
  #hasWarned = false

  constructor(counted: Counted<R>, options: Options<R> = {}) {
    this.#options = options
    const { key = 'address', cost = 1, also = [], trustedProxies, forwardedHeader = 'X-Forwarded-For', ipv6Prefix = 64 } = options
    check(options)
    const limiter = typeof counted === 'function' ? undefined : limiterOf(counted)
    this.#choose = typeof counted === 'function' ? chooser(counted) : () => limiter!
    if (typeof cost === 'function') checkFunction('cost', cost)
    else checkCost(cost, [...(limiter ? [limiter] : []), ...also.map(({ limiter }) => limiter)])
    this.#parts = [{ keys: this.#finders(key) }, ...also.map(({ limiter, key }) => ({ limiter, keys: this.#finders(key) }))]
    this.#proxies = new Proxies(trustedProxies, { header: forwardedHeader, ipv6Prefix })
    this.#exposed = options.exposeHeaders ? exposedHeaders(options.style) : undefined
  }

  /** What was decided about a request. */
  decisionOf(request: R): Decision | undefined {
    return (request as Decided)[this.#mark]
  }

  /** What becomes of a request. Throws only what the functions of the options throw. */
  judge(view: View<R>): Verdict {
    if (isPreflight(view) || this.#isExempt(view)) return uncounted()
    const limiter = this.#choose(view.raw)
    const maxBody = this.#options.maxBody ?? limiter?.policy.maxBody
    if (maxBody !== undefined && Number(view.header('content-length')) > maxBody) {
      return uncounted(undefined, contentTooLarge(maxBody))
    }
    const cost = limiter === null ? 0 : this.#costOf(view.raw)
    if (limiter === null || isNothing(cost)) return uncounted(maxBody)
    const parts = this.#parts.map((part) => ({ limiter: part.limiter ?? limiter, key: this.#keyOf(view, part.keys) }))
    try {
      const decision = decide(parts, cost)
      ;(view.raw as Decided)[this.#mark] = decision
      const refund = () => {
        for (const { limiter, key } of parts) limiter.refund(key, cost)
      }
      const retryAfter = this.#retryAfter(decision)
      const [headers, answer] = [this.#headers(decision, retryAfter), this.#answer(view, decision, retryAfter)]
      return { decision, headers, answer, maxBody, refund }
    } catch (error) {
      return this.#failed(view, error as TidegateError, maxBody)
    }
  }

  #isExempt(view: View<R>): boolean {
    const { exempt } = this.#options
    return exempt?.some((one) => (typeof one === 'string' ? isBelow(view.path, one) : answered('exempt', one(view.raw)))) ?? false
  }

  #costOf(request: R): Cost {
    const { cost = 1 } = this.#options
    return typeof cost === 'function' ? answered('cost', cost(request)) : cost
  }

  #finders(key: Required<Options<R>>['key']): Finder<R>[] {
    const sources: readonly KeySource<R>[] = typeof key === 'object' ? key : [key]
    return sources.map((source) => this.#finder(source))
  }

  #finder(source: KeySource<R>): Finder<R> {
    if (typeof source === 'function') {
      checkFunction('key', source)
      return (view) => source(view.raw)
    }
    if (source === 'api-key') return apiKeyOf
    if (source === 'address') return (view) => this.#address(view)
    if (!/^header:./.test(source)) throw fault('options', `key: \`${source}\` is unknown: expected \`address\`, \`api-key\`, \`header:NAME\` or a function`)
    const name = source.slice('header:'.length).toLowerCase()
    return (view) => view.header(name)
  }

  /** Nobody escapes by leaving a key away, or by making it too long. */
  #keyOf(view: View<R>, finders: readonly Finder<R>[]): Key {
    for (const find of finders) {
      const key = find(view)
      if (key === undefined || key === null) continue
      const bytes = byteLength(key)
      if (bytes > 0 && bytes <= MAX_KEY_BYTES) return key
    }
    return this.#address(view)
  }

  #address(view: View<R>): string {
    if (!this.#options.trustedProxies) return this.#addressBy(view)
    const lines = view.lines(this.#proxies.header)
    if (!this.#hasWarned && view.ip !== undefined) this.#compare(view, view.ip, lines)
    return this.#proxies.key(view.peer, lines)
  }

  /** As the framework says, unless that is no address: a proxy may have written anything. */
  #addressBy({ ip, peer }: View<R>): string {
    try {
      return this.#proxies.key(ip ?? peer)
    } catch {
      return this.#proxies.key(peer)
    }
  }

  /** Two settings that name two clients are a mistake that nobody would see. */
  #compare(view: View<R>, ip: string, lines: string[]): void {
    const client = this.#proxies.client(view.peer, lines)
    if (this.#proxies.key(client) === this.#addressBy(view)) return
    this.#hasWarned = true
    const warning = `the framework's own setting says that the client is ${ip}, and \`trustedProxies\` that it is ${client}, by which it is counted: set one of them, or both alike`
    process.emitWarning(warning, { type: 'TidegateWarning', code: 'TIDEGATE_PROXIES' })
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

/** What is wrong is an error now, not at the first request. */
function check<R>({ exempt, style, exposeHeaders, maxBody, retryJitter, failOpen }: Options<R>): void {
  styleBits(style ?? 'x-ratelimit')
  checkExempt(exempt ?? [])
  if (maxBody !== undefined) whole('maxBody', maxBody)
  if (retryJitter !== undefined) whole('retryJitter', retryJitter)
  if (exposeHeaders !== undefined) checkYesOrNo('exposeHeaders', exposeHeaders)
  if (failOpen !== undefined) checkYesOrNo('failOpen', failOpen)
}

function limiterOf(counted: Limiter | Policy | string): Limiter {
  return counted instanceof Limiter ? counted : new Limiter(counted)
}

function chooser<R>(choose: (request: R) => Limiter | null): (request: R) => Limiter | null {
  checkFunction('the limiter', choose)
  return (request) => chosen(choose(request))
}

/** Whether a cost is 0, or 0 for every limit. */
function isNothing(cost: Cost): boolean {
  if (typeof cost !== 'object' || cost === null) return cost === 0
  for (const name in cost) if (cost[name] !== 0) return false
  // A Map, say, shows nothing of what it has.
  return Object.getPrototypeOf(cost) === Object.prototype
}

function uncounted(maxBody?: number, answer?: Body): Verdict {
  return { decision: undefined, headers: none, answer, maxBody, refund: nothing }
}

/** A name that no tier has must not lift the limit. */
function chosen(limiter: Limiter | null): Limiter | null {
  if (limiter === null || limiter instanceof Limiter) return limiter
  throw fault('options', `no limiter was chosen for a request, but ${String(limiter)}: give one, or \`null\` to let it pass uncounted`)
}

function byteLength(key: Key): number {
  if (typeof key === 'string') return Buffer.byteLength(key)
  if (key instanceof Uint8Array) return key.length
  throw fault('key-type', `a key is a string or a Uint8Array, not ${typeof key}`, TypeError)
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
  const isThere = path === exempt || (exempt.endsWith('/') && `${path}/`.startsWith(exempt))
  return isThere && !AMBIGUOUS.test(path)
}

/** A body in the shape of our others. */
function message(status: number, text: string): Body {
  return { status, contentType: 'application/json', cacheControl: 'no-store', text: JSON.stringify({ message: text, status: 'error' }) }
}
