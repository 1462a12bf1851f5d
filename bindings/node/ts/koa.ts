/**
 * tidegate before a Koa application.
 *
 * @packageDocumentation
 */

import type { Context, Middleware } from 'koa'
import type { Decision } from './decision.js'
import { Gate, type Counted, type Options } from './gate.js'
import { limitBody, setHeaders, viewOf } from './node-http.js'

export type { Counted, KeyFunction, KeySource, Options } from './gate.js'

/**
 * Within the quota a request passes, with the headers of its decision (`ctx.state.rateLimit`); else it is
 * answered with 429, `Retry-After` and a body.
 *
 * @example
 * app.use(rateLimit('100/minute', { key: (ctx) => ctx.state.user?.id }))
 */
export function rateLimit(counted: Counted<Context>, options?: Options<Context>): Middleware {
  const gate = new Gate<Context>(counted, options)
  return async (ctx, next) => {
    const { decision, headers, answer, maxBody, refund } = gate.judge(viewOf(ctx, ctx.req, () => (ctx.app.proxy ? ctx.ip : undefined)))
    if (decision !== undefined) (ctx.state as { rateLimit?: Decision }).rateLimit = decision
    setHeaders(ctx.res, headers)
    if (answer !== undefined) {
      ctx.status = answer.status
      ctx.set({ 'Content-Type': answer.contentType, 'Cache-Control': answer.cacheControl })
      ctx.body = answer.text
      return
    }
    limitBody(ctx.req, ctx.res, maxBody, () => {
      refund()
      ctx.respond = false
    })
    await next().catch((error: unknown) => {
      throw carrying(error, headers)
    })
  }
}

/** Koa takes all headers away from an answer to an error, but for those that the error carries. */
function carrying(error: unknown, headers: Readonly<Record<string, string>>): unknown {
  if (error instanceof Error) Object.assign(error, { headers: { ...headers, ...(error as { headers?: object }).headers } })
  return error
}
