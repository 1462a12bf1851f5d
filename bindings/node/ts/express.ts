/**
 * tidegate before an Express application, and before any server whose handlers are called with
 * `(req, res, next)`.
 *
 * @packageDocumentation
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Decision } from './decision.js'
import { Gate, type Counted, type Options, type Verdict } from './gate.js'
import { clientBy, limitBody, send, setHeaders, viewOf } from './node-http.js'

export type { Counted, KeyFunction, KeySource, Options } from './gate.js'

/** The middleware. What it decided about a request is its `decisionOf`. */
export interface RateLimit<R> {
  (req: R, res: ServerResponse, next: (error?: unknown) => void): void
  decisionOf(req: R): Decision | undefined
}

/**
 * Within the quota a request passes, with the headers of its decision; else it is answered with 429,
 * `Retry-After` and a body. CORS preflights are neither counted nor decorated.
 *
 * @example
 * app.use(rateLimit('100/minute; 10/second token-bucket', { key: 'api-key' }))
 */
export function rateLimit<R extends IncomingMessage = IncomingMessage>(counted: Counted<R>, options?: Options<R>): RateLimit<R> {
  const gate = new Gate<R>(counted, options)
  const middleware = (req: R, res: ServerResponse, next: (error?: unknown) => void): void => {
    let verdict: Verdict
    try {
      verdict = gate.judge(viewOf(req, req, () => clientBy(req as object)))
    } catch (error) {
      return next(error)
    }
    const { headers, answer, maxBody, refund } = verdict
    setHeaders(res, headers)
    if (answer !== undefined) return send(res, answer)
    limitBody(req, res, maxBody, refund)
    next()
  }
  return Object.assign(middleware, { decisionOf: (req: R) => gate.decisionOf(req) })
}
