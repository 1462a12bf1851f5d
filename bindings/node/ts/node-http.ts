// What the frameworks on node:http have in common: the view of a request, the answer, and bodies that
// grow too long while they are read.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentTooLarge, type Body } from './decision.js'
import type { Verdict, View } from './gate.js'

type Incoming = IncomingMessage & { readonly originalUrl?: string }

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
    return this.#req.headersDistinct[name.toLowerCase()] ?? []
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
 * Bounds a body whose length is not declared, whoever reads it. When it grows past `maxBody` the reader
 * gets no more, the request is answered, and what still comes is dropped; when all of it has come and the
 * answer has gone the reader has an error, so that half a body is never taken for a whole one.
 */
export function limitBody(req: IncomingMessage, res: ServerResponse, maxBody: number | undefined, onOver: () => void): void {
  if (maxBody === undefined || req.headers['transfer-encoding'] === undefined) return
  const { push } = req
  let seen = req.readableLength
  let over = false
  const end = () => req.destroy(tooLarge(maxBody))
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
  if (res.headersSent) return void res.destroy()
  res.setHeader('Connection', 'close') // what the client still sends is no request
  send(res, contentTooLarge(maxBody))
}
