import Koa from 'koa'
import { Limiter, type Decision } from 'tidegate'
import { rateLimit, type Options } from 'tidegate/koa'

const options: Options<Koa.Context> = {
  key: [(ctx) => ctx.state.user?.id, 'address'],
  exempt: [(ctx) => ctx.path === '/health'],
  cost: (ctx) => Number(ctx.get('x-cost')),
}
const app = new Koa()
app.use(rateLimit('100/minute', options))
app.use(rateLimit((ctx) => (ctx.get('x-plan') === 'pro' ? new Limiter('9/second') : null)))
app.use((ctx) => {
  const decision: Decision | undefined = ctx.state.rateLimit
  ctx.body = decision?.remaining
})

// @ts-expect-error a key is text or bytes
rateLimit('1/second', { key: (ctx) => ctx.path.length })
// @ts-expect-error paths and functions
rateLimit('1/second', { exempt: [/health/] })
