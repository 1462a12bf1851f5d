/**
 * tidegate before a Fastify application.
 *
 * @packageDocumentation
 */

import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { Body, Decision } from './decision.js'
import { Gate, type Counted, type Options, type Verdict } from './gate.js'
import { clientBy, limitBody, viewOf } from './node-http.js'

export type { Counted, KeyFunction, KeySource, Options } from './gate.js'

/** The plugin. What it decided about a request is its `decisionOf`. */
export type RateLimit = FastifyPluginCallback & { decisionOf(request: FastifyRequest): Decision | undefined }

/**
 * Within the quota a request passes, with the headers of its decision; else it is answered with 429,
 * `Retry-After` and a body. It holds for the instance that it is registered in, and all below it.
 *
 * @example
 * await app.register(rateLimit('100/minute', { key: 'api-key' }))
 */
export function rateLimit(counted: Counted<FastifyRequest>, options?: Options<FastifyRequest>): RateLimit {
  const gate = new Gate<FastifyRequest>(counted, options)
  const plugin: FastifyPluginCallback = (instance, _, done) => {
    instance.addHook('onRequest', (request, reply, next) => {
      let verdict: Verdict
      try {
        verdict = gate.judge(viewOf(request, request.raw, () => clientBy(request)))
      } catch (error) {
        return next(error as Error)
      }
      const { headers, answer, maxBody, refund } = verdict
      for (const name in headers) reply.header(name, headers[name])
      if (answer !== undefined) return send(reply, answer)
      limitBody(request.raw, reply.raw, maxBody, () => {
        refund()
        reply.hijack()
      })
      next()
    })
    done()
  }
  // What fastify-plugin would add: the hook is the instance's, not that of a scope of its own.
  const marks = { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'tidegate' }
  return Object.assign(plugin, marks, { decisionOf: (request: FastifyRequest) => gate.decisionOf(request) })
}

function send(reply: FastifyReply, { status, contentType, cacheControl, text }: Body): void {
  reply.code(status).header('content-type', contentType).header('cache-control', cacheControl).send(text)
}
