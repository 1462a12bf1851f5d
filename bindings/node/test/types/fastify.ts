import Fastify, { type FastifyRequest } from 'fastify'
import { Limiter, type Decision } from 'tidegate'
import { rateLimit, type Options, type RateLimit } from 'tidegate/fastify'

const options: Options<FastifyRequest> = {
  key: (request) => request.headers['x-user']?.toString(),
  cost: 2,
  onError: ({ code }, request) => request.log.error(code),
}
const plugin: RateLimit = rateLimit(new Limiter('100/minute'), options)
const app = Fastify()
app.register(plugin)
app.register(async (scope) => scope.register(rateLimit((request) => (request.url === '/' ? null : new Limiter('1/hour')))))
app.get('/', (request): Decision | undefined => plugin.decisionOf(request))

// @ts-expect-error of Fastify's requests, not of Koa's contexts
rateLimit('1/second', { key: (request) => request.state.user })
// @ts-expect-error a cost is a number, or one for each limit
rateLimit('1/second', { cost: 'much' })
// @ts-expect-error a request is Fastify's
plugin.decisionOf({})
