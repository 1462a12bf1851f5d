// The same for every framework, on a server of its own: what a client is answered.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { once } from 'node:events'
import { request as nodeRequest } from 'node:http'
import { Limiter, ManualClock, Policy } from 'tidegate'
import { frameworks } from './fixtures/servers.mjs'

/** A limiter whose time stands still. */
const limiter = (policy, choices = {}) => new Limiter(new Policy(policy).with(choices), { clock: new ManualClock() })

const X = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'retry-after']
const pick = (response, names = X) => names.map((name) => response.headers.get(name))

for (const [name, start] of Object.entries(frameworks)) {
  describe(name, () => {
    const closes = []
    after(() => Promise.all(closes.map((close) => close())))

    /** A server with the middleware, and a way to ask it. */
    async function serve(counted, options) {
      const { port, close } = await start(counted, options)
      closes.push(close)
      const ask = (path = '/', init) => fetch(`http://127.0.0.1:${port}${path}`, init)
      return Object.assign(ask, { port })
    }

    test('headers, and 429 with a body', async () => {
      const ask = await serve(limiter('2/minute'))
      const first = await ask()
      assert.deepEqual([first.status, await first.text(), ...pick(first)], [200, 'hello', '2', '1', '60', null])
      await ask()
      const denied = await ask()
      assert.deepEqual([denied.status, ...pick(denied)], [429, '2', '0', '60', '60'])
      assert.deepEqual(pick(denied, ['cache-control']), ['no-store'])
      assert.match(denied.headers.get('content-type'), /^application\/json/)
      assert.equal(await denied.text(), '{"message":"Rate limit exceeded. Try again in 60 seconds.","status":"error"}')
    })

    test('a problem for who accepts one', async () => {
      const ask = await serve(limiter('1/minute'))
      await ask()
      const denied = await ask('/', { headers: { accept: 'application/problem+json' } })
      assert.match(denied.headers.get('content-type'), /^application\/problem\+json/)
      assert.deepEqual((await denied.json())['violated-policies'], ['minute'])
    })

    test('styles, exposed headers and jitter', async () => {
      const ask = await serve(limiter('1/minute'), { style: 'ietf', expose: true, retryJitter: 3600 })
      const first = await ask()
      assert.deepEqual(pick(first, ['ratelimit-policy', 'ratelimit', 'x-ratelimit-limit']), ['"minute";q=1;w=60', '"minute";r=0;t=60', null])
      assert.equal(first.headers.get('access-control-expose-headers'), 'RateLimit-Policy, RateLimit, Retry-After')
      const denied = await ask()
      const seconds = Number(denied.headers.get('retry-after'))
      assert.ok(seconds >= 60 && seconds <= 3660)
      assert.ok((await denied.text()).includes(`in ${seconds} seconds`))
    })

    test('preflights are free, HEAD counts as GET does', async () => {
      const ask = await serve(limiter('1/minute'))
      const preflight = await ask('/', { method: 'OPTIONS', headers: { origin: 'https://example.org', 'access-control-request-method': 'POST' } })
      assert.equal(preflight.headers.get('x-ratelimit-limit'), null)
      const head = await ask('/', { method: 'HEAD' })
      assert.deepEqual([head.status, ...pick(head)], [200, '1', '0', '60', null])
      const denied = await ask('/', { method: 'HEAD' })
      assert.deepEqual([denied.status, await denied.text(), ...pick(denied)], [429, '', '1', '0', '60', '60'])
    })

    test('API keys, and the address of who shows none', async () => {
      const ask = await serve(limiter('1/minute'), { key: 'api-key' })
      const as = async (headers) => (await ask('/', { headers })).status
      assert.deepEqual([await as({ authorization: 'Bearer one' }), await as({ authorization: 'bearer one' })], [200, 429])
      assert.deepEqual([await as({ 'x-api-key': 'two' }), await as({ 'x-api-key': 'two' })], [200, 429])
      // Whoever claims to be an address is none, and an empty or a long key helps nobody.
      assert.deepEqual([await as({}), await as({ 'x-api-key': '127.0.0.1' }), await as({ 'x-api-key': 'x'.repeat(9000) })], [200, 429, 429])
    })

    test('a key function, exemptions, and costs', async () => {
      const header = (request, name) => (typeof request.req?.header === 'function' ? request.req.header(name) : request.headers[name])
      const ask = await serve(limiter('5/minute'), {
        key: (request) => header(request, 'x-user'),
        cost: (request) => Number(header(request, 'x-cost') ?? 1),
        exempt: ['/health', '/static/', (request) => header(request, 'x-user') === 'root'],
      })
      const as = async (user, cost, path) => pick(await ask(path, { headers: { 'x-user': user, 'x-cost': cost } }), ['x-ratelimit-remaining'])[0]
      assert.deepEqual([await as('alice', 3), await as('alice', 3), await as('alice', 2), await as('bob', 1)], ['2', '2', '0', '4'])
      assert.deepEqual([await as('bob', 1, '/health?x'), await as('bob', 1, '/static/a.css'), await as('root', 1), await as('bob', 0)], [null, null, null, null])
      assert.equal(await as('bob', 1, '/static/%2e%2e/'), '3')
      const impossible = await ask('/', { headers: { 'x-user': 'bob', 'x-cost': '6' } })
      assert.equal(impossible.status, 400)
      assert.equal(await as('bob', 1), '2')
    })

    test('tiers', async () => {
      const header = (request, name) => (typeof request.req?.header === 'function' ? request.req.header(name) : request.headers[name])
      const ask = await serve({ free: limiter('1/minute'), pro: limiter('9/minute') }, { tier: (request) => header(request, 'x-tier') })
      const limits = []
      for (const tier of ['free', 'pro', 'free']) limits.push(pick(await ask('/', { headers: { 'x-tier': tier } }))[0])
      assert.deepEqual(limits, ['1', '9', '1'])
      assert.equal((await ask('/', { headers: { 'x-tier': 'gold' } })).status, 500)
    })

    test('a second limiter, both or neither', async () => {
      const everybody = limiter('2/minute')
      const users = limiter('5/minute')
      const header = (request, name) => (typeof request.req?.header === 'function' ? request.req.header(name) : request.headers[name])
      const ask = await serve(users, { key: (r) => header(r, 'x-user'), also: [{ limiter: everybody, key: () => 'everybody' }] })
      const statuses = []
      for (const user of ['a', 'b', 'c']) statuses.push((await ask('/', { headers: { 'x-user': user } })).status)
      assert.deepEqual(statuses, [200, 200, 429])
      assert.equal(users.peek('c').remaining, 5)
    })

    test('proxies are believed if they are trusted, and IPv6 clients are networks', async () => {
      const trusting = await serve(limiter('1/minute'), { trustedProxies: '127.0.0.1, 10.0.0.0/8', ipv6Prefix: 56 })
      const from = async (ask, address) => (await ask('/', { headers: { 'x-forwarded-for': address } })).status
      assert.deepEqual([await from(trusting, '192.0.2.1'), await from(trusting, '192.0.2.2'), await from(trusting, '9.9.9.9, 192.0.2.1, 10.0.0.1')], [200, 200, 429])
      assert.deepEqual([await from(trusting, '2001:db8:0:1::1'), await from(trusting, '2001:db8:0:ff::1'), await from(trusting, '2001:db8:0:100::1')], [200, 429, 200])
      const wary = await serve(limiter('1/minute'))
      assert.deepEqual([await from(wary, '192.0.2.1'), await from(wary, '192.0.2.2')], [200, 429])
    })

    test('what cannot be decided is 503, or passes if it may', async () => {
      // Zero can never be a cost of all limits: here it stands for a table that cannot be had.
      const told = []
      const broken = { cost: { nonsense: 1 }, onError: (error) => told.push(error.code) }
      assert.equal((await (await serve(limiter('1/minute'), broken))()).status, 503)
      assert.equal((await (await serve(limiter('1/minute'), { ...broken, failOpen: true }))()).status, 200)
      assert.deepEqual(told, ['cost-count', 'cost-count'])
    })

    test('errors further on carry the headers too', async () => {
      const ask = await serve(limiter('5/minute'))
      const failed = await ask('/fails')
      assert.deepEqual([failed.status, pick(failed)[1]], [500, '4'])
    })

    if (name === 'NestJS') return

    test('a body that is declared too long is 413 before it is read, and free', async () => {
      const counted = limiter('5/minute', { maxBody: 1000 })
      const ask = await serve(counted)
      const fits = await ask('/body', { method: 'POST', body: 'x'.repeat(1000) })
      assert.deepEqual([fits.status, await fits.text()], [200, '1000'])
      const large = await ask('/body', { method: 'POST', body: 'x'.repeat(1001) })
      assert.deepEqual([large.status, await large.text()], [413, '{"message":"Request body too large. The limit is 1 kB.","status":"error"}'])
      assert.equal(counted.peek('127.0.0.1').remaining, 4)
    })

    test('a body that grows too long is 413, is never taken for a whole one, and is free', async () => {
      const counted = limiter('5/minute')
      const ask = await serve(counted, { maxBody: 1000 })
      const send = async (chunks) => {
        const request = nodeRequest({ port: ask.port, host: '127.0.0.1', path: '/body', method: 'POST', headers: { 'transfer-encoding': 'chunked' } })
        request.on('error', () => {}) // it may be cut off while it sends
        const answered = once(request, 'response')
        for (const chunk of chunks) request.write('x'.repeat(chunk))
        request.end()
        const [response] = await answered
        let text = ''
        for await (const part of response) text += part
        return [response.statusCode, text]
      }
      assert.deepEqual(await send([600, 400]), [200, '1000'])
      assert.deepEqual(await send([600, 401]), [413, '{"message":"Request body too large. The limit is 1 kB.","status":"error"}'])
      assert.equal(counted.peek('127.0.0.1').remaining, 4)
      assert.deepEqual(await send([1000]), [200, '1000'])
    })
  })
}
