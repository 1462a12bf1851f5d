// What the frameworks on node:http have in common: the view of a request, the answer, and bodies that
// grow too long while they are read.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import { contentTooLarge, type Body } from './decision.js'
import type { Verdict, View } from './gate.js'

type Incoming = IncomingMessage & { readonly originalUrl?: string }

/** Over HTTP/2 a request is one of many of its connection, and ends with its stream. */
type Http2Request = IncomingMessage & { readonly stream?: { close(code?: number): void } }

/** What Express or Fastify has added to a request. */
interface Added {
  readonly app?: { get?(setting: string): unknown }
  readonly ip?: string
  readonly ips?: readonly string[]
}

/** Who the client is by Express or Fastify, if that was told to believe proxies; Fastify has `ips` only then. */
export function clientBy({ app, ip, ips }: Added): string | undefined {
  const believes = typeof app?.get === 'function' ? app.get('trust proxy') : ips !== undefined
  return believes ? ip : undefined
}

/** `raw` is what the functions of the options are given, `client` who the framework says is the client. */
export function viewOf<R>(raw: R, req: Incoming, client: () => string | undefined): View<R> {
  return new NodeView(raw, req, client)
}

/** A class, so that what is not asked for is not worked out. */
class NodeView<R> implements View<R> {
  readonly raw: R
  readonly #req: Incoming
  readonly #client: () => string | undefined

  constructor(raw: R, req: Incoming, client: () => string | undefined) {
    this.raw = raw
    this.#req = req
    this.#client = client
  }

  get method(): string {
    return this.#req.method ?? 'GET'
  }

  get path(): string {
    return pathOf(this.#req.originalUrl ?? this.#req.url ?? '/')
  }

  /** The other end of a socket without an address, one in the file system, is on this machine. */
  get peer(): string {
    return this.#req.socket.remoteAddress ?? '127.0.0.1'
  }

  get ip(): string | undefined {
    return this.#client()
  }

  header(name: string): string | undefined {
    return one(this.#req.headers[name])
  }

  lines(name: string): string[] {
    // Not by `headersDistinct`, which requests over HTTP/2 haven't got.
    const [wanted, raw] = [name.toLowerCase(), this.#req.rawHeaders]
    return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === wanted)
  }
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  return end === -1 ? url : url.slice(0, end)
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value
}

export function setHeaders(res: ServerResponse, headers: Verdict['headers']): void {
  for (const name in headers) {
    // Others may expose headers of theirs.
    if (name === 'Access-Control-Expose-Headers') res.appendHeader(name, headers[name]!)
    else res.setHeader(name, headers[name]!)
  }
}

export function send(res: ServerResponse, { status, contentType, cacheControl, text }: Body): void {
  res.statusCode = status
  res.setHeader('Content-Type', contentType)
  res.setHeader('Cache-Control', cacheControl)
  res.setHeader('Content-Length', Buffer.byteLength(text))
  res.end(text)
}

/** How much more than it may a client can send before it is cut off. Until then it can read the answer. */
const PATIENCE = 2 ** 20

/**
 * Bounds a body that may be of any length, whoever reads it. When it grows past `maxBody` the reader
 * gets no more, the request is answered, and what still comes is dropped; when all of it has come and the
 * answer has gone the reader has an error, so that half a body is never taken for a whole one.
 */
export function limitBody(req: IncomingMessage, res: ServerResponse, maxBody: number | undefined, onOver: () => void): void {
  if (maxBody === undefined || !mayBeOfAnyLength(req)) return
  const { push } = req
  let seen = req.readableLength
  let over = false
  const end = () => {
    req.destroy(tooLarge(maxBody))
    ;(req as Http2Request).stream?.close()
  }
  const refuse = () => {
    over = true
    onOver()
    refuseBody(res, maxBody)
  }
  req.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    seen += chunk?.length ?? 0
    if (!over && seen <= maxBody) return push.call(req, chunk, encoding)
    if (!over) refuse()
    if (seen > maxBody + PATIENCE) end()
    else if (chunk === null) afterwards(res, end)
    return true
  }
}

/** Whether a body comes in chunks, beside which a declared length is void, or over HTTP/2 without one. */
function mayBeOfAnyLength({ headers, httpVersionMajor }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (httpVersionMajor > 1 && headers['content-length'] === undefined)
}

function afterwards(res: ServerResponse, then: () => void): void {
  if (res.writableFinished || res.destroyed) then()
  else res.once('finish', then)
}

function tooLarge(maxBody: number): Error {
  const { message } = JSON.parse(contentTooLarge(maxBody).text) as { message: string }
  return Object.assign(new Error(message), { code: 'content-too-large', status: 413, statusCode: 413, expose: true })
}

/** Answers a body that has grown too long; if an answer is under way already, it ends there. */
function refuseBody(res: ServerResponse, maxBody: number): void {
  if (res.headersSent) return breakOff(res)
  // What the client still sends is no request. Over HTTP/2 it can't be taken for one.
  if (res.req.httpVersionMajor === 1) res.setHeader('Connection', 'close')
  send(res, contentTooLarge(maxBody))
}

/** Ends an answer so that nobody takes it for a whole one. */
function breakOff(res: ServerResponse): void {
  const { stream } = res.req as Http2Request
  if (stream === undefined) res.destroy()
  else stream.close(constants.NGHTTP2_INTERNAL_ERROR)
}
