// The store for @fastify/rate-limit, in real applications with the real library.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, mock, test } from 'node:test'
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import { Limiter, ManualClock } from 'tidegate'
import { tidegateStore } from 'tidegate/fastify-rate-limit'

const folder = mkdtempSync(join(tmpdir(), 'tidegate-fastify-'))
const apps = []
after(async () => {
  await Promise.all(apps.map((app) => app.close()))
  rmSync(folder, { recursive: true, force: true })
})

/** An application with the library and our store, its routes, and a way to ask it as a user. */
async function serve(options, routes = (app) => app.get('/', () => 'hello')) {
  const app = Fastify()
  apps.push(app)
  const keyGenerator = (request) => request.headers['x-user'] ?? 'alice'
  await app.register(rateLimit, { timeWindow: 60_000, keyGenerator, ...options })
  routes(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const ask = (path = '/', headers = {}, method = 'GET') => fetch(`http://127.0.0.1:${app.server.address().port}${path}`, { headers, method })
  return Object.assign(ask, { app })
}

const statuses = async (ask, times, ...args) => {
  const all = []
  for (let i = 0; i < times; i++) all.push((await ask(...args)).status)
  return all
}

const pick = (response, ...names) => names.map((name) => response.headers.get(name))
const names = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'retry-after']

test('its headers and answers are the library\'s, with the numbers of an exact log', async () => {
  const clock = new ManualClock()
  const ask = await serve({ max: 2, store: tidegateStore({ clock }) })
  assert.deepEqual(pick(await ask(), ...names), ['2', '1', '60', null])
  clock.advance(20)
  assert.deepEqual(pick(await ask(), ...names), ['2', '0', '60', null])
  const denied = await ask()
  assert.deepEqual([denied.status, ...pick(denied, ...names)], [429, '2', '0', '40', '40'])
  assert.equal((await denied.json()).message, 'Rate limit exceeded, retry in 40 seconds')
  // What is denied is not counted: after the time that it was told, it passes; a millisecond earlier it does not.
  clock.advance(39.999)
  assert.deepEqual(await statuses(ask, 1), [429])
  clock.advance(0.001)
  assert.deepEqual(await statuses(ask, 2), [200, 429])
})

test('no window holds more than the limit, where a window that begins with the first request holds twice that', async () => {
  const clock = new ManualClock()
  const ask = await serve({ max: 5, store: tidegateStore({ clock }) })
  assert.deepEqual(await statuses(ask, 1), [200])
  clock.advance(59)
  assert.deepEqual(await statuses(ask, 4), [200, 200, 200, 200])
  clock.advance(1.5)
  assert.deepEqual(await statuses(ask, 3), [200, 429, 429])
})

test('routes have limits of their own, and count apart; a group of routes together; HEAD with its GET', async () => {
  for (const segment of [undefined, join(folder, 'routes')]) {
    const ask = await serve({ max: 2, store: tidegateStore({ segment }) }, (app) => {
      app.get('/', () => 'hello')
      app.get('/also', () => 'hello')
      app.get('/strict', { config: { rateLimit: { max: 1 } } }, () => 'hello')
      app.get('/quick', { config: { rateLimit: { max: 1, timeWindow: 50_000 } } }, () => 'hello')
      app.get('/same', { config: { rateLimit: { max: 2 } } }, () => 'hello')
      for (const path of ['/one', '/two']) app.get(path, { config: { rateLimit: { max: 2, groupId: 'g' } } }, () => 'hello')
      app.get('/free', { config: { rateLimit: false } }, () => 'hello')
    })
    assert.deepEqual(await statuses(ask, 2, '/strict'), [200, 429])
    assert.deepEqual(await statuses(ask, 2, '/quick'), [200, 429])
    assert.deepEqual(await statuses(ask, 3, '/same'), [200, 200, 429])
    assert.deepEqual([...await statuses(ask, 1, '/one'), ...await statuses(ask, 2, '/two')], [200, 200, 429])
    assert.deepEqual([...await statuses(ask, 1, '/'), ...await statuses(ask, 2, '/also')], [200, 200, 429])
    assert.deepEqual(await statuses(ask, 4, '/free'), [200, 200, 200, 200])
    assert.deepEqual(await statuses(ask, 1, '/strict', { 'x-user': 'bob' }, 'HEAD'), [200])
    assert.deepEqual(await statuses(ask, 1, '/strict', { 'x-user': 'bob' }), [429])
  }
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('routes')).sort(), ['routes.1-50', 'routes.1-60', 'routes.2-60'])
})

test('a handler of one route, and one made by hand, count apart', async () => {
  const ask = await serve({ global: false, max: 2, store: tidegateStore() }, (app) => {
    app.get('/a', { preHandler: app.rateLimit({ max: 1 }) }, () => 'hello')
    app.get('/b', { preHandler: app.rateLimit({ max: 1 }) }, () => 'hello')
    const check = app.createRateLimit({ max: 1 })
    app.get('/look', (request) => check(request, { increment: false }))
    app.get('/count', (request) => check(request))
  })
  for (const path of ['/a', '/b']) assert.deepEqual(await statuses(ask, 2, path), [200, 429])
  const look = async (path) => {
    const { remaining, isExceeded, ttl } = await (await ask(path)).json()
    return [remaining, isExceeded, ttl > 0]
  }
  assert.deepEqual([await look('/look'), await look('/look')], [[1, false, false], [1, false, false]])
  assert.deepEqual([await look('/count'), await look('/look')], [[0, false, true], [0, false, true]])
  assert.deepEqual([await look('/count'), await look('/count')], [[0, true, true], [0, true, true]])
})

test('ban: who comes too often after a denial is told 403', async () => {
  for (const segment of [undefined, join(folder, 'ban')]) {
    const clock = segment === undefined ? { clock: new ManualClock() } : { segment }
    const banned = []
    const ask = await serve({ max: 2, ban: 2, onBanReach: (_, key) => banned.push(key), store: tidegateStore(clock) })
    assert.deepEqual(await statuses(ask, 7), [200, 200, 429, 429, 403, 403, 403])
    assert.deepEqual(banned, ['alice', 'alice', 'alice'])
    assert.deepEqual(await statuses(ask, 1, '/', { 'x-user': 'bob' }), [200])
    if (segment !== undefined) continue
    clock.clock.advance(60)
    assert.deepEqual(await statuses(ask, 4), [200, 200, 429, 429])
  }
  assert.deepEqual(await statuses(await serve({ max: 1, ban: 0, store: tidegateStore() }), 3), [200, 403, 403])
  // Hits and denials are counted apart, though there be as many of them.
  assert.deepEqual(await statuses(await serve({ max: 2, ban: 1, store: tidegateStore() }), 5), [200, 200, 429, 403, 403])
})

test('continueExceeding: who does not stop stays out', async () => {
  const clock = new ManualClock()
  const ask = await serve({ max: 2, continueExceeding: true, store: tidegateStore({ clock }) })
  assert.deepEqual(await statuses(ask, 2), [200, 200])
  for (let i = 0; i < 4; i++) {
    clock.advance(59)
    const denied = await ask()
    assert.deepEqual([denied.status, ...pick(denied, 'retry-after')], [429, '60'])
  }
  clock.advance(59.999)
  assert.deepEqual(await statuses(ask, 1), [429])
  clock.advance(60)
  assert.deepEqual(await statuses(ask, 3), [200, 200, 429])
  const both = await serve({ max: 1, ban: 1, continueExceeding: true, store: tidegateStore({ clock }) })
  assert.deepEqual(await statuses(both, 4), [200, 429, 403, 403])
  clock.advance(30)
  assert.deepEqual(await statuses(both, 1), [403])
  clock.advance(45)
  assert.deepEqual(await statuses(both, 1), [403]) // the second of two, since 75 seconds are not a quiet window
})

test('a `max` that is a function: one count, whatever it gives', async () => {
  const clock = new ManualClock()
  const max = (request) => Number(request.headers['x-limit'])
  const ask = await serve({ max, store: tidegateStore({ clock, limit: 4 }) })
  const as = (most, times) => statuses(ask, times, '/', { 'x-limit': most })
  assert.deepEqual(await as('2', 2), [200, 200])
  clock.advance(20)
  // What is denied by the lower limit is not counted by the higher one.
  assert.deepEqual([...await as('2', 3), ...await as('3', 2)], [429, 429, 429, 200, 429])
  const denied = await ask('/', { 'x-limit': '2' })
  assert.deepEqual([denied.status, ...pick(denied, ...names)], [429, '2', '0', '40', '40'])
  assert.deepEqual(await as('0', 1), [429])
  assert.deepEqual(await as('9', 2), [200, 429]) // never above what the store was told
  clock.advance(39.999)
  assert.deepEqual(await as('3', 1), [429])
  clock.advance(0.001)
  // Two have left, two are 40 seconds old.
  assert.deepEqual([...await as('2', 1), ...await as('3', 2)], [429, 200, 429])
})

test('a hit that leaves while a function\'s limit is looked at makes room at once', async () => {
  const clock = new ManualClock()
  const ask = await serve({ max: (request) => Number(request.headers['x-limit']), store: tidegateStore({ clock, limit: 4 }) })
  const as = (most, times) => statuses(ask, times, '/', { 'x-limit': most })
  assert.deepEqual(await as('2', 2), [200, 200])
  const { refund } = Limiter.prototype
  // Time passes between the question and the next.
  const patched = mock.method(Limiter.prototype, 'refund', function (...args) {
    refund.apply(this, args)
    if (clock.seconds === 0) clock.advance(60)
  })
  const admitted = await ask('/', { 'x-limit': '2' })
  patched.mock.restore()
  assert.deepEqual([admitted.status, ...pick(admitted, ...names)], [200, '2', '1', '60', null])
  assert.deepEqual(await as('4', 4), [200, 200, 200, 429])
})

test('a `timeWindow` that is a function: each window counts by itself, and not without end', async () => {
  const timeWindow = (request) => Number(request.headers['x-window'])
  const ask = await serve({ max: 1, timeWindow, store: tidegateStore({ maxKeys: 1 }) })
  const as = (ms, times) => statuses(ask, times, '/', { 'x-window': ms })
  assert.deepEqual([...await as('60000', 2), ...await as('30000', 2)], [200, 429, 200, 429])
  const all = []
  for (let i = 0; i < 300; i++) all.push(...await as(String(40_000 + i), 1))
  assert.deepEqual([all.indexOf(500), all.lastIndexOf(200)], [254, 253])
  assert.deepEqual(await as('0', 1), [500])
})

test('what cannot be is refused when it is registered, and what cannot be had with every request', async () => {
  await assert.rejects(serve({ max: () => 5, store: tidegateStore() }), { code: 'options', message: /tidegateStore\(\{ limit/ })
  await assert.rejects(serve({ max: 5, exponentialBackoff: true, store: tidegateStore() }), { code: 'options', message: /exponentialBackoff/ })
  const broken = tidegateStore({ segment: '/nowhere/at/all' })
  assert.deepEqual(await statuses(await serve({ max: 1, store: broken }), 2), [500, 500])
  assert.deepEqual(await statuses(await serve({ max: 1, skipOnError: true, store: broken }), 2), [200, 200])
  assert.deepEqual(await statuses(await serve({ max: 0, store: tidegateStore() }), 2), [429, 429])
  assert.deepEqual(await statuses(await serve({ max: 1, keyGenerator: () => 7, store: tidegateStore() }), 2), [200, 429])
  assert.deepEqual(await statuses(await serve({ max: 1, keyGenerator: () => '', store: tidegateStore() }), 2), [200, 429])
})

test('over a segment, applications share a count', async () => {
  const segment = join(folder, 'shared')
  const asks = []
  for (let i = 0; i < 2; i++) asks.push(await serve({ max: 3, store: tidegateStore({ segment }) }))
  const all = []
  for (const i of [0, 1, 0, 1]) all.push(...await statuses(asks[i], 1))
  assert.deepEqual(all, [200, 200, 200, 429])
})
