// What a user may write, and what the compiler must refuse. Compiled, never run.

import {
  checkAll, Decision, Limiter, ManualClock, Policy, PolicyFile, Proxies,
  type Body, type Cost, type Key, type LimiterOptions, type LimitState, type TidegateError,
} from 'tidegate'

const options: LimiterOptions = { maxKeys: 10, clock: new ManualClock(), onFull: 'deny', segment: '/dev/shm/quota' }
const limiter = new Limiter(PolicyFile.load('policies.toml').require('free').with({ report: 'tightest' }), options)
const cost: Cost = { requests: 1, tokens: 900 }
const key: Key = Buffer.from('alice')

const decision: Decision = limiter.check(key, cost)
const limits: readonly LimitState[] = decision.limits
const headers: Record<string, string> = decision.headers('x-ratelimit, ietf')
const body: Body | undefined = decision.body('application/problem+json')
const many: Decision[] = limiter.checkMany(['a', key] as const, [1, 2])
const waited: Promise<Decision> = limiter.acquire('a', 1, { signal: AbortSignal.timeout(5), timeout: 2 })
const joint: boolean = checkAll([{ limiter, key: 'a' }, { limiter, key, cost: 2 }]).allowed
const text: string = new Proxies('10.0.0.0/8', { header: 'Forwarded' }).key('10.0.0.1')

try {
  new Policy('100/fortnight')
} catch (error) {
  const { code, at }: TidegateError = error as TidegateError
}

// @ts-expect-error a key is text or bytes
limiter.check(7)
// @ts-expect-error a wait may have no end
const seconds: number = decision.retryAfter
// @ts-expect-error a decision is made by a limiter
new Decision()
// @ts-expect-error there is no such choice
new Limiter('1/minute', { onFull: 'panic' })
// @ts-expect-error what is decided is decided
decision.allowed = true
// @ts-expect-error handles are the package's own affair
limiter.policy.handle
