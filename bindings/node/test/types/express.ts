import express, { type Request } from 'express'
import { createServer } from 'node:http'
import { Limiter, Policy, type Decision } from 'tidegate'
import { rateLimit, type Counted, type KeyFunction, type KeySource, type Options, type RateLimit } from 'tidegate/express'

interface User extends Request {
  readonly user: { readonly id: string; readonly plan: 'free' | 'pro' }
}

const limiters = { free: new Limiter('10/minute'), pro: new Limiter(new Policy('100/minute')) }
const byPlan: Counted<User> = (req) => (req.user.plan === 'free' ? limiters.free : null)
const key: KeyFunction<User> = (req) => req.user.id
const sources: readonly KeySource<User>[] = ['api-key', 'address', 'header:X-User', key]
const options: Options<User> = {
  key: sources,
  cost: (req) => ({ requests: 1, tokens: req.body.tokens }),
  exempt: ['/health', '/static/', (req) => req.user.id === 'root'],
  also: [{ limiter: limiters.pro, key: 'header:X-Organisation' }],
  style: 'x-ratelimit, ietf',
  exposeHeaders: true,
  maxBody: 5_000_000,
  trustedProxies: '10.0.0.0/8',
  forwardedHeader: 'Forwarded',
  ipv6Prefix: 56,
  retryJitter: 5,
  failOpen: true,
  onError: (error, req) => console.error(error.code, req.user.id),
  body: (decision, req) => ({ text: `${req.user.id}: ${decision.retryAfter}` }),
}

const app = express()
app.use(rateLimit('100/minute'))
app.use('/api', rateLimit(limiters.free, { key: 'api-key' }))
const limit: RateLimit<User> = rateLimit(byPlan, options)
const decided = (req: User): Decision | undefined => limit.decisionOf(req)
const bare = rateLimit('1/second')
createServer((req, res) => bare(req, res, (error) => res.end(String(error))))

// @ts-expect-error there is no such key
rateLimit('1/second', { key: 'adress' })
// @ts-expect-error a key is text or bytes
rateLimit('1/second', { key: () => 7 })
// @ts-expect-error a limiter is chosen, or null: not a policy
rateLimit(() => '1/second')
// @ts-expect-error nor nothing
rateLimit(() => undefined)
// @ts-expect-error there is no such option
rateLimit('1/second', { tier: () => 'free' })
// @ts-expect-error a header that proxies do not write
rateLimit('1/second', { forwardedHeader: 'X-Real-IP' })
// @ts-expect-error a request has no such property
rateLimit('1/second', { key: (req: Request) => req.nobody })
