/**
 * tidegate before a Hono application on Node.
 *
 * @packageDocumentation
 */

import type { IncomingMessage } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import { contentTooLarge, type Body, type Decision } from './decision.js'
import { fault } from './errors.js'
import { Gate, type Counted, type Options, type View } from './gate.js'

export type { Counted, KeyFunction, KeySource, Options } from './gate.js'

/** What the middleware puts into the context. */
export interface Variables {
  rateLimit: Decision
}

/**
 * Within the quota a request passes, with the headers of its decision (`c.get('rateLimit')`); else it is
 * answered with 429, `Retry-After` and a body.
 *
 * @example
 * app.use(rateLimit('100/minute', { key: 'api-key' }))
 */
export function rateLimit(counted: Counted<Context>, options?: Options<Context>): MiddlewareHandler {
  const gate = new Gate<Context>(counted, options)
  return async (c, next) => {
    const { decision, headers, answer, maxBody, refund } = gate.judge(viewOf(c))
    if (decision !== undefined) c.set('rateLimit', decision)
    if (answer !== undefined) return respond(answer, headers)
    const isOver = limitBody(c, maxBody)
    await next()
    if (isOver()) {
      refund()
      c.res = respond(contentTooLarge(maxBody!), headers)
      return
    }
    // Afterwards, since a handler's own Response would not have them.
    for (const name in headers) c.header(name, headers[name], { append: name === 'Access-Control-Expose-Headers' })
  }
}

function viewOf(c: Context): View<Context> {
  return {
    raw: c,
    method: c.req.method,
    path: c.req.path,
    get peer() {
      return peerOf(c)
    },
    ip: undefined,
    header: (name) => c.req.header(name),
    lines: (name) => [c.req.header(name) ?? []].flat(),
  }
}

/** By what @hono/node-server says about the connection. */
function peerOf({ env }: Context): string {
  const incoming = (env as { incoming?: IncomingMessage } | undefined)?.incoming
  if (incoming === undefined) throw fault('options', 'the address of the client is known on @hono/node-server alone: give a `key`')
  return incoming.socket.remoteAddress ?? '127.0.0.1'
}

function respond({ status, contentType, cacheControl, text }: Body, headers: Readonly<Record<string, string>>): Response {
  return new Response(text, { status, headers: { ...headers, 'Content-Type': contentType, 'Cache-Control': cacheControl } })
}

/** Bounds a body that may be of any length: its reader fails where it grows past `maxBody`. */
function limitBody(c: Context, maxBody: number | undefined): () => boolean {
  const { raw } = c.req
  let seen = 0
  if (maxBody === undefined || raw.body === null || isLengthDeclared(c)) return () => false
  const counting = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      seen += chunk.length
      if (seen <= maxBody) controller.enqueue(chunk)
      else controller.error(Object.assign(new Error('the request body is too large'), { code: 'content-too-large', status: 413 }))
    },
  })
  c.req.raw = new Request(raw, { body: raw.body.pipeThrough(counting), duplex: 'half' } as RequestInit)
  return () => seen > maxBody
}

/** Beside Transfer-Encoding a Content-Length is void, and what is no number is none. */
function isLengthDeclared({ req }: Context): boolean {
  return req.header('transfer-encoding') === undefined && /^\d+$/.test(req.header('content-length') ?? '')
}
