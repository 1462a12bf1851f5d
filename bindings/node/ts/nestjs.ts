/**
 * tidegate as a guard of NestJS, on Express or Fastify.
 *
 * @packageDocumentation
 */

import { HttpException, type CanActivate, type ExecutionContext } from '@nestjs/common'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Decision } from './decision.js'
import { Gate, type Counted, type Options } from './gate.js'
import { clientBy, setHeaders, viewOf } from './node-http.js'

export type { Counted, KeyFunction, KeySource, Options } from './gate.js'

/** Of Express it is Node's own; that of Fastify has Node's in `raw`. */
type Either<T> = T & { readonly raw?: T }

/**
 * Within the quota a request passes, with the headers of its decision; else the guard throws an
 * `HttpException` of status 429, whose body is the response's. Other transports than HTTP pass.
 *
 * Nest reads bodies before it asks guards: to bound those, put `tidegate/express` before it too.
 *
 * @example
 * app.useGlobalGuards(new RateLimitGuard('100/minute', { key: 'api-key' }))
 * // or, for a controller or a route:
 * @UseGuards(new RateLimitGuard('5/minute'))
 */
export class RateLimitGuard<R extends object = IncomingMessage> implements CanActivate {
  readonly #gate: Gate<R>

  constructor(counted: Counted<R>, options?: Options<R>) {
    this.#gate = new Gate<R>(counted, options)
  }

  /** What was decided about a request. */
  decisionOf(request: R): Decision | undefined {
    return this.#gate.decisionOf(request)
  }

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true
    const http = context.switchToHttp()
    const [request, response] = [http.getRequest<Either<IncomingMessage>>(), http.getResponse<Either<ServerResponse>>()]
    const { headers, answer } = this.#gate.judge(viewOf(request as unknown as R, request.raw ?? request, () => clientBy(request as object)))
    const res = response.raw ?? response
    setHeaders(res, headers)
    if (answer === undefined) return true
    // Where another filter answers, the type of its body is its own affair.
    const type = answer.contentType === 'application/json' ? {} : { 'Content-Type': answer.contentType }
    setHeaders(res, { ...type, 'Cache-Control': answer.cacheControl })
    throw new HttpException(JSON.parse(answer.text) as object, answer.status)
  }
}
