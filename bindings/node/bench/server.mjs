// A server with one limiter before it, or none: `node server.mjs express tidegate`. It tells its parent
// the port, and when asked the processor time that it has used; it ends with its parent.

import fastifyLimit from '@fastify/rate-limit'
import express from 'express'
import { rateLimit as expressRateLimit } from 'express-rate-limit'
import fastify from 'fastify'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { rateLimit as tidegateExpress } from '../dist/express.js'
import { rateLimit as tidegateFastify } from '../dist/fastify.js'
import { KEY_HEADER, SEED } from './contenders.mjs'

const keyOf = (req) => req.headers[KEY_HEADER]
/** So much that all is admitted, by the others' one limit. */
const QUOTA = 2 ** 30
const MINUTE = 60_000

/** As rate-limiter-flexible's documentation writes a middleware, with its headers. */
function flexible(next, refuse) {
  const limiter = new RateLimiterMemory({ points: QUOTA, duration: 60 })
  return (key, setHeader, done) => {
    const headers = (found) => {
      setHeader('Retry-After', found.msBeforeNext / 1000)
      setHeader('X-RateLimit-Limit', QUOTA)
      setHeader('X-RateLimit-Remaining', found.remainingPoints)
      setHeader('X-RateLimit-Reset', Math.ceil((Date.now() + found.msBeforeNext) / 1000))
    }
    limiter.consume(key).then((found) => (headers(found), next(done)), (found) => (headers(found), refuse(done)))
  }
}

const expressLimiters = {
  none: (app) => app,
  tidegate: (app) => app.use(tidegateExpress(SEED, { key: keyOf })),
  'express-rate-limit': (app) => app.use(expressRateLimit({ windowMs: MINUTE, limit: QUOTA, keyGenerator: keyOf })),
  'rate-limiter-flexible': (app) => {
    const limit = flexible(({ next }) => next(), ({ res }) => res.status(429).send('Too Many Requests'))
    app.use((req, res, next) => limit(keyOf(req), (name, value) => res.set(name, `${value}`), { res, next }))
  },
}

const fastifyLimiters = {
  none: () => {},
  tidegate: (app) => app.register(tidegateFastify(SEED, { key: keyOf })),
  '@fastify/rate-limit': (app) => app.register(fastifyLimit, { max: QUOTA, timeWindow: MINUTE, keyGenerator: keyOf, cache: 100_000 }),
  'rate-limiter-flexible': (app) => {
    const limit = flexible(({ next }) => next(), ({ reply }) => reply.code(429).send('Too Many Requests'))
    app.addHook('onRequest', (req, reply, next) => limit(keyOf(req), (name, value) => reply.header(name, value), { reply, next }))
  },
}

const BODY = { hello: 'world' }

const frameworks = {
  async express(limiter) {
    const app = express()
    expressLimiters[limiter](app)
    app.get('/', (req, res) => res.json(BODY))
    return new Promise((resolve) => {
      const server = app.listen(0, '127.0.0.1', () => resolve(server.address().port))
    })
  },
  async fastify(limiter) {
    const app = fastify()
    await fastifyLimiters[limiter](app)
    app.get('/', async () => BODY)
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server.address().port
  },
}

const [framework, limiter] = process.argv.slice(2)
process.on('disconnect', () => process.exit())
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send({ cpu: user + system })
})
process.send({ port: await frameworks[framework](limiter) })
