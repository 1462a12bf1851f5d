// The same for every framework, on a server of its own: what a client is answered.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { once } from 'node:events'
import { request as nodeRequest } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { Limiter, ManualClock, Policy } from 'tidegate'
import { RateLimitGuard } from 'tidegate/nestjs'
import { frameworks, stream } from './fixtures/servers.mjs'

/** A limiter whose time stands still. */
const limiter = (policy, choices = {}) => new Limiter(new Policy(policy).with(choices), { clock: new ManualClock() })

const header = (request, name) => (typeof request.req?.header === 'function' ? request.req.header(name) : request.headers[name])

const X = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'retry-after']
const pick = (response, names = X) => names.map((name) => response.headers.get(name))

test('a guard of NestJS has no say about other transports than HTTP', () => {
  const guard = new RateLimitGuard('1/hour')
  for (let i = 0; i < 3; i++) assert.equal(guard.canActivate({ getType: () => 'ws' }), true)
})

for (const [name, start] of Object.entries(frameworks)) {
  describe(name, () => {
    const closes = []
    after(() => Promise.all(closes.map((close) => close())))

    /** A server with the middleware, and a way to ask it. */
    async function serve(counted, options, trustProxy, http2) {
      const { port, close, server } = await start(counted, options, trustProxy, http2)
      closes.push(close)
      const ask = (path = '/', init) => fetch(`http://127.0.0.1:${port}${path}`, init)
      return Object.assign(ask, { port, server })
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
      const ask = await serve(limiter('1/minute'), { style: 'ietf', exposeHeaders: true, retryJitter: 3600 })
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
      const ask = await serve(limiter('5/minute'), {
        key: (request) => header(request, 'x-user'),
        cost: (request) => Number(header(request, 'x-cost') ?? 1),
        exempt: ['/health', '/static/', (request) => header(request, 'x-user') === 'root'],
      })
      const as = async (user, cost, path) => pick(await ask(path, { headers: { 'x-user': user, 'x-cost': cost } }), ['x-ratelimit-remaining'])[0]
      assert.deepEqual([await as('alice', 3), await as('alice', 3), await as('alice', 2), await as('bob', 1)], ['2', '2', '0', '4'])
      assert.deepEqual([await as('bob', 1, '/health?x'), await as('bob', 1, '/static/a.css'), await as('root', 1), await as('bob', 0)], [null, null, null, null])
      const impossible = await ask('/', { headers: { 'x-user': 'bob', 'x-cost': '6' } })
      assert.equal(impossible.status, 400)
      assert.equal(await as('bob', 1), '3')
    })

    // Nest asks guards about its routes alone, and has none of these.
    if (!name.startsWith('NestJS')) test('what a router may read as another path is not exempt', async () => {
      const ask = await serve(limiter('100/minute'), { exempt: ['/health', '/static/'] })
      const isExempt = async (path) => {
        const request = nodeRequest({ port: ask.port, host: '127.0.0.1', path }).end()
        const [response] = await once(request, 'response')
        response.resume()
        // A server may refuse such a path by itself.
        return response.statusCode !== 400 && response.headers['x-ratelimit-limit'] === undefined
      }
      for (const path of ['/health', '/health?a=/b', '/static', '/static/', '/static/a/b.css', '/static/a%20b/..c/.d/e..']) assert.ok(await isExempt(path), path)
      const others = ['/', '/healthy', '/health/', '/static/%252e%252e/orders', '/static%2Forders', '/static/..%5Corders', '/static/../orders', '/static/%2e%2e/orders', '/static/..%2forders', '/static/..\\orders', '/static//..//orders', '//static/a']
      // Hono's server resolves it before anybody is asked, its router too.
      if (name !== 'Hono') others.push('/orders/../health')
      for (const path of others) assert.ok(!(await isExempt(path)), path)
    })

    test('a header as the key, and the first of several', async () => {
      const as = async (ask, headers) => (await ask('/', { headers })).status
      const one = await serve(limiter('1/minute'), { key: 'header:X-User' })
      assert.deepEqual([await as(one, { 'x-user': 'alice' }), await as(one, { 'x-user': 'alice' }), await as(one, { 'x-user': 'bob' })], [200, 429, 200])
      assert.deepEqual([await as(one, {}), await as(one, { 'x-user': '' })], [200, 429])
      const counted = limiter('9/minute')
      const several = await serve(counted, { key: [(request) => header(request, 'x-session') || null, 'header:x-user', 'api-key'] })
      await as(several, { 'x-api-key': 'key', 'x-user': 'alice', 'x-session': 'session' })
      await as(several, { 'x-api-key': 'key', 'x-user': 'alice' })
      await as(several, { 'x-api-key': 'key' })
      await as(several, {})
      assert.deepEqual(['session', 'alice', 'key', '127.0.0.1'].map((key) => counted.peek(key).remaining), [8, 8, 8, 8])
      // Not a number, say, which would be counted by the address without a word.
      assert.equal(await as(await serve(limiter('1/minute'), { key: () => 7 }), {}), 500)
    })

    test('a cost for each limit', async () => {
      const counted = limiter('requests: 5/minute; tokens: 900/minute token-bucket')
      const ask = await serve(counted, { cost: (request) => ({ requests: 1, tokens: Number(header(request, 'x-tokens')) }) })
      const as = async (tokens) => (await ask('/', { headers: { 'x-tokens': tokens } })).status
      assert.deepEqual([await as('600'), await as('600'), await as('300')], [200, 429, 200])
      assert.deepEqual(counted.peek('127.0.0.1').limits.map((limit) => limit.remaining), [3, 0])
      await (await serve(counted, { cost: { requests: 2 } }))()
      await (await serve(counted, { cost: 1, key: () => 'bob' }))()
      assert.deepEqual(['127.0.0.1', 'bob'].map((key) => counted.peek(key).limits[0].remaining), [1, 4])
    })

    test('a cost of nothing for every limit is not counted', async () => {
      const counted = limiter('requests: 5/minute; tokens: 900/minute')
      for (const cost of [{}, { tokens: 0 }, { requests: 0, tokens: 0 }]) {
        for (const option of [cost, () => cost]) {
          const free = await (await serve(counted, { cost: option }))()
          assert.deepEqual([free.status, pick(free)[0]], [200, null], JSON.stringify(cost))
        }
      }
      // What is no cost at all is not nothing.
      assert.equal((await (await serve(counted, { cost: () => new Map([['tokens', 5]]) }))()).status, 503)
    })

    test('a limiter for each request, its body limit with it', async () => {
      const limiters = { free: limiter('1/minute', { maxBody: 10 }), pro: limiter('9/minute'), staff: null }
      const ask = await serve((request) => limiters[header(request, 'x-tier')])
      const as = (tier) => ask('/', { headers: { 'x-tier': tier } })
      const limits = []
      for (const tier of ['free', 'pro', 'free', 'staff']) limits.push(pick(await as(tier))[0])
      assert.deepEqual(limits, ['1', '9', '1', null])
      // Nobody has said that this one is free.
      assert.equal((await as('gold')).status, 500)
      const send = (tier) => ask('/', { method: 'POST', body: 'x'.repeat(11), headers: { 'x-tier': tier } })
      if (!name.startsWith('NestJS')) assert.deepEqual([(await send('free')).status, (await send('pro')).status === 413], [413, false])
    })

    test('a policy, and one in notation', async () => {
      for (const counted of ['1/hour', new Policy('1/hour')]) {
        const ask = await serve(counted)
        assert.deepEqual([(await ask()).status, (await ask()).status], [200, 429])
      }
    })

    test('wrong options are found at the start', async () => {
      const wrong = [{ style: 'ietf-07' }, { maxBody: -1 }, { retryJitter: 0.5 }, { trustedProxies: 'localhost' }, { ipv6Prefix: 129 }, { key: 'adress' }, { key: ['api-key', 'header:'] }]
      for (const options of wrong) await assert.rejects(async () => serve('1/minute', options), { code: 'options' }, JSON.stringify(options))
      const more = [
        { exempt: ['health'] }, { exempt: [''] }, { exempt: ['/a/../b'] }, { exempt: ['/a%2Fb'] }, { exempt: [7] }, { exempt: '/health' },
        { cost: -1 }, { cost: 'much' }, { cost: null }, { cost: { minute: -1 } }, { failOpen: 'no' }, { exposeHeaders: 1 },
      ]
      for (const options of more) await assert.rejects(async () => serve('1/minute', options), { code: 'options' }, JSON.stringify(options))
      for (const cost of [2, { minute: 2 }]) await assert.rejects(async () => serve('1/minute', { cost }), { code: 'cost-above-quota' })
      await assert.rejects(async () => serve('1/minute', { cost: { nonsense: 1 } }), { code: 'cost-count' })
      await assert.rejects(async () => serve(() => null, { cost: -1 }), { code: 'options' })
      await assert.rejects(async () => serve('9/minute', { cost: 2, also: [{ limiter: limiter('1/minute'), key: 'address' }] }), { code: 'cost-above-quota' })
      await assert.rejects(async () => serve('1/fortnight'), { code: 'notation' })
    })

    test('async functions are refused, and so are promises', async () => {
      const later = async () => 1
      for (const options of [{ exempt: ['/health', later] }, { cost: later }, { key: later }, { key: ['api-key', later] }]) {
        await assert.rejects(async () => serve('1/minute', options), { code: 'options', message: /a function is async/ }, JSON.stringify(options))
      }
      await assert.rejects(async () => serve(async () => null), { code: 'options', message: /the limiter: a function is async/ })
      // Nobody passes by them, also where nothing can be decided.
      const promise = () => later()
      for (const options of [{ exempt: [promise] }, { cost: promise }, { key: promise }]) {
        const ask = await serve('1/minute', { ...options, failOpen: true })
        assert.equal((await ask()).status, 500, JSON.stringify(Object.keys(options)))
      }
    })

    test('another body for a denial', async () => {
      const ask = await serve(limiter('1/minute'), { body: (decision, request) => ({ text: JSON.stringify({ wait: decision.retryAfter, for: header(request, 'x-user') }) }) })
      await ask()
      const denied = await ask('/', { headers: { 'x-user': 'alice' } })
      assert.deepEqual([denied.status, await denied.json()], [429, { wait: 60, for: 'alice' }])
    })

    test('what is streamed goes out as it comes', async () => {
      const ask = await serve(limiter('1/minute'))
      const response = await ask('/stream')
      assert.equal(pick(response)[1], '0')
      const reader = response.body.getReader()
      const next = async () => Buffer.from((await reader.read()).value ?? []).toString()
      assert.equal(await next(), 'one')
      stream.emit('more')
      assert.equal(await next(), 'two')
      assert.ok((await reader.read()).done)
    })

    test('an upgrade is the server\'s affair', async () => {
      const counted = limiter('1/minute')
      const ask = await serve(counted)
      await ask()
      const request = nodeRequest({ port: ask.port, host: '127.0.0.1', headers: { connection: 'Upgrade', upgrade: 'echo' } }).end()
      const [response, socket] = await once(request, 'upgrade')
      socket.destroy()
      assert.deepEqual([response.statusCode, response.headers['x-ratelimit-limit']], [101, undefined])
    })

    test('a second limiter, both or neither', async () => {
      const everybody = limiter('2/minute')
      const users = limiter('5/minute')
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

    if (name !== 'Hono') test('the framework\'s own setting for proxies holds, unless ours is given; two that differ are told', async () => {
      const told = []
      const note = (warning) => warning.code === 'TIDEGATE_PROXIES' && told.push(warning.message)
      process.on('warning', note)
      const from = async (ask, address) => (await ask('/', { headers: { 'x-forwarded-for': address } })).status
      const theirs = await serve(limiter('1/minute'), {}, 'loopback')
      assert.deepEqual([await from(theirs, '192.0.2.1'), await from(theirs, '192.0.2.2'), await from(theirs, '192.0.2.1')], [200, 200, 429])
      assert.deepEqual([await from(theirs, '2001:db8::1'), await from(theirs, '2001:db8::2')], [200, 429])
      // No address, so the other end of the connection.
      assert.deepEqual([await from(theirs, 'nonsense'), (await theirs()).status], [200, 429])
      const alike = await serve(limiter('1/minute'), { trustedProxies: '127.0.0.1' }, 'loopback')
      assert.deepEqual([await from(alike, '192.0.2.1'), await from(alike, '192.0.2.2'), await from(alike, '2001:db8::9')], [200, 200, 200])
      const differ = await serve(limiter('1/minute'), { trustedProxies: '10.0.0.0/8' }, 'loopback')
      assert.deepEqual([await from(differ, '192.0.2.1'), await from(differ, '192.0.2.2')], [200, 429])
      await turn()
      process.off('warning', note)
      assert.equal(told.length, 1)
      assert.match(told[0], /192\.0\.2\.1.*127\.0\.0\.1/)
    })

    test('what cannot be decided is 503, or passes if it may', async () => {
      // A cost for a limit that is not there stands for a table that cannot be had.
      const told = []
      const broken = { cost: () => ({ nonsense: 1 }), onError: (error) => told.push(error.code) }
      assert.equal((await (await serve(limiter('1/minute'), broken))()).status, 503)
      assert.equal((await (await serve(limiter('1/minute'), { ...broken, failOpen: true }))()).status, 200)
      assert.deepEqual(told, ['cost-count', 'cost-count'])
    })

    test('errors further on carry the headers too', async () => {
      const ask = await serve(limiter('5/minute'))
      const failed = await ask('/fails')
      assert.deepEqual([failed.status, pick(failed)[1]], [500, '4'])
    })

    if (name.startsWith('NestJS')) return // it reads bodies before it asks guards

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

    test('a length beside chunks does not lift the bound, where a server lets both pass', async () => {
      const counted = limiter('5/minute')
      const ask = await serve(counted, { maxBody: 1000 })
      ask.server.insecureHTTPParser = true
      const socket = connect(ask.port, '127.0.0.1').on('error', () => {})
      const head = 'POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n'
      socket.write(`${head}3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`)
      let text = ''
      for await (const part of socket) text += part
      assert.match(text, /^HTTP\/1\.1 413 .*"Request body too large\. The limit is 1 kB\."/s)
      assert.equal(counted.peek('127.0.0.1').remaining, 5)
    })

    if (name.startsWith('Express')) return // it has no HTTP/2

    test('a body without a length over HTTP/2 is bounded too', async () => {
      const counted = limiter('5/minute')
      const { port } = await serve(counted, { maxBody: 1000 }, false, true)
      const send = async (chunks) => {
        const client = connectHttp2(`http://127.0.0.1:${port}`)
        const request = client.request({ ':method': 'POST', ':path': '/body', 'content-type': 'text/plain' })
        const answered = once(request, 'response')
        for (const chunk of chunks) request.write('x'.repeat(chunk))
        request.end()
        const [headers] = await answered
        let text = ''
        for await (const part of request) text += part
        client.destroy()
        return [headers[':status'], text]
      }
      const refused = [413, '{"message":"Request body too large. The limit is 1 kB.","status":"error"}']
      assert.deepEqual(await send([600, 400]), [200, '1000'])
      assert.deepEqual([await send([600, 401]), await send(Array(40).fill(65_536))], [refused, refused])
      assert.equal(counted.peek('127.0.0.1').remaining, 4)
    })

    test('the client behind trusted proxies is found over HTTP/2 too', async () => {
      const counted = limiter('5/minute')
      const { port } = await serve(counted, { trustedProxies: '127.0.0.1' }, false, true)
      const client = connectHttp2(`http://127.0.0.1:${port}`)
      const request = client.request({ ':path': '/', 'x-forwarded-for': ['203.0.113.9', '198.51.100.7'] })
      const [headers] = await once(request, 'response')
      client.destroy()
      assert.equal(headers[':status'], 200)
      assert.equal(counted.peek('198.51.100.7').remaining, 4)
    })
  })
}
