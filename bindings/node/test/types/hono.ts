import { Hono } from 'hono'
import { Limiter, type Decision } from 'tidegate'
import { rateLimit, type Variables } from 'tidegate/hono'

const app = new Hono<{ Variables: Variables }>()
app.use(rateLimit('100/minute', { key: (c) => c.req.header('x-user'), style: 'ietf' }))
app.use(rateLimit((c) => (c.req.path === '/' ? null : new Limiter('9/second'))))
app.get('/', (c) => {
  const decision: Decision = c.get('rateLimit')
  return c.json(decision.limits)
})

// @ts-expect-error of Hono's contexts, not of Koa's
rateLimit('1/second', { key: (c) => c.state.user })
// @ts-expect-error a number of bytes
rateLimit('1/second', { maxBody: '5 MB' })
