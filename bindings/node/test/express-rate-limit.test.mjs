// The store for express-rate-limit, in real applications with the real library.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, mock, test } from 'node:test'
import { promisify } from 'node:util'
import express from 'express'
import { MemoryStore, rateLimit } from 'express-rate-limit'
import { Limiter, ManualClock } from 'tidegate'
import { tidegateStore } from 'tidegate/express-rate-limit'

const folder = mkdtempSync(join(tmpdir(), 'tidegate-express-'))
const closes = []
after(async () => {
  await Promise.all(closes.map((close) => close()))
  rmSync(folder, { recursive: true, force: true })
})
mock.timers.enable({ apis: ['Date'], now: 1_000_000_000_000 })

/** Time for the library and for the store, moved together. */
function time() {
  const clock = new ManualClock()
  const advance = (seconds) => {
    clock.advance(seconds)
    mock.timers.tick(seconds * 1000)
  }
  return { clock, advance }
}

/** An application behind `middlewares`, and a way to ask it; `/fails` is answered with 500. */
async function serve(...middlewares) {
  const app = express()
  app.set('env', 'test')
  for (const middleware of middlewares) app.use(middleware)
  app.get('/fails', (req, res) => res.sendStatus(500))
  app.get('/', (req, res) => res.send('hello'))
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  closes.push(() => {
    server.closeAllConnections()
    return promisify(server.close).call(server)
  })
  return (path = '/', headers = {}) => fetch(`http://127.0.0.1:${server.address().port}${path}`, { headers })
}

/** A limiter of the library's that fails the test where the library finds fault with its store. */
function limit(options) {
  const said = []
  const note = (error) => said.push(String(error.code ?? error))
  return Object.assign(rateLimit({ windowMs: 60_000, ...options, logger: { error: note, warn: note } }), { said })
}

const statuses = async (ask, times, ...args) => {
  const all = []
  for (let i = 0; i < times; i++) all.push((await ask(...args)).status)
  return all
}

const pick = (response, ...names) => names.map((name) => response.headers.get(name))

test('its headers and answers are the library\'s, with the numbers of an exact log', async () => {
  const { clock, advance } = time()
  const limiter = limit({ limit: 2, standardHeaders: 'draft-6', store: tidegateStore({ clock }) })
  const ask = await serve(limiter)
  const start = Date.now() / 1000
  const names = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'ratelimit-reset', 'retry-after']
  assert.deepEqual(pick(await ask(), ...names), ['2', '1', String(start + 60), '60', null])
  advance(20)
  assert.deepEqual(pick(await ask(), ...names), ['2', '0', String(start + 80), '60', null])
  const denied = await ask()
  assert.deepEqual([denied.status, await denied.text()], [429, 'Too many requests, please try again later.'])
  assert.deepEqual(pick(denied, ...names), ['2', '0', String(start + 60), '40', '40'])
  // What is denied is not counted: after the time that it was told, it passes; a millisecond earlier it does not.
  advance(39.999)
  assert.equal((await ask()).status, 429)
  advance(0.001)
  assert.equal((await ask()).status, 200)
  assert.equal((await ask()).status, 429)
  assert.deepEqual(limiter.said, [])
})

test('no window holds more than the limit, where a window that begins with the first request holds twice that', async () => {
  const admitted = async (make) => {
    const { clock, advance } = time()
    const ask = await serve(limit({ limit: 5, store: make(clock) }))
    const first = await statuses(ask, 1)
    advance(59)
    const late = await statuses(ask, 4)
    advance(1.5)
    return [...first, ...late, ...(await statuses(ask, 5))].filter((status) => status === 200).length
  }
  assert.equal(await admitted(() => new MemoryStore()), 10) // nine of them within 2 seconds
  assert.equal(await admitted((clock) => tidegateStore({ clock })), 6) // the first has left the window
})

test('every style of headers has what it needs', async () => {
  for (const standardHeaders of ['draft-6', 'draft-7', 'draft-8']) {
    const limiter = limit({ limit: 2, standardHeaders, store: tidegateStore() })
    assert.deepEqual(await statuses(await serve(limiter), 3), [200, 200, 429])
    assert.deepEqual(limiter.said, [])
  }
})

test('skipFailedRequests: what fails is free, and what was denied gives nothing back', async () => {
  const limiter = limit({ limit: 2, skipFailedRequests: true, store: tidegateStore() })
  const ask = await serve(limiter)
  assert.deepEqual(await statuses(ask, 5, '/fails'), [500, 500, 500, 500, 500])
  assert.deepEqual(await statuses(ask, 6), [200, 200, 429, 429, 429, 429])
  assert.deepEqual(limiter.said, [])
})

test('skipSuccessfulRequests: what succeeds is free', async () => {
  const ask = await serve(limit({ limit: 2, skipSuccessfulRequests: true, store: tidegateStore() }))
  assert.deepEqual(await statuses(ask, 5), [200, 200, 200, 200, 200])
  assert.deepEqual(await statuses(ask, 4, '/fails'), [500, 500, 429, 429])
})

test('a denial that looks like a success gives nothing back either', async () => {
  const handler = (req, res) => res.send('please wait')
  const limiter = limit({ limit: 2, skipSuccessfulRequests: true, handler, store: tidegateStore() })
  const ask = await serve(limiter)
  assert.deepEqual(await statuses(ask, 7, '/fails'), [500, 500, 200, 200, 200, 200, 200])
  assert.equal((await limiter.getKey('127.0.0.1')).totalHits, 2)
})

test('a limit that is a function: the store is told the largest', async () => {
  const quota = (req) => Number(req.headers['x-limit'])
  const ask = await serve(limit({ limit: quota, keyGenerator: (req) => req.headers['x-user'], store: tidegateStore({ limit: 4 }) }))
  const as = (user, most, times) => statuses(ask, times, '/', { 'x-user': user, 'x-limit': most })
  assert.deepEqual(await as('free', '2', 4), [200, 200, 429, 429])
  assert.deepEqual(await as('pro', '4', 5), [200, 200, 200, 200, 429])
  // Above what the store was told nothing is admitted, whatever the function says.
  assert.deepEqual(await as('vip', '9', 6), [200, 200, 200, 200, 429, 429])
})

test('a limit that is a function, and a store that was told none: nobody passes', async () => {
  const limiter = limit({ limit: () => 5, store: tidegateStore() })
  assert.match(limiter.said[0], /options/)
  assert.deepEqual(await statuses(await serve(limiter), 2), [500, 500])
})

test('limits at their ends', async () => {
  const none = limit({ limit: 0, store: tidegateStore(), validate: false })
  const denied = await (await serve(none))()
  assert.deepEqual([denied.status, ...pick(denied, 'retry-after')], [429, '60'])
  assert.deepEqual(await statuses(await serve(limit({ limit: 2.5, store: tidegateStore() })), 3), [200, 200, 429])
  assert.deepEqual(await statuses(await serve(limit({ limit: 2, windowMs: 0.25, store: tidegateStore({ clock: new ManualClock() }) })), 3), [200, 200, 429])
  for (const wrong of [{ limit: NaN }, { limit: Infinity }, { limit: 5, windowMs: 0 }, { limit: 5, windowMs: NaN }]) {
    const limiter = limit({ ...wrong, store: tidegateStore() })
    assert.equal(limiter.said[0], 'options', JSON.stringify(wrong))
    assert.deepEqual(await statuses(await serve(limiter), 1), [500])
  }
  const huge = limit({ limit: 2_000_000, store: tidegateStore() })
  assert.equal(huge.said[0], 'notation')
})

test('keys are whatever the library takes', async () => {
  const ask = await serve(limit({ limit: 1, keyGenerator: (req) => ({ seven: 7, none: undefined, empty: '' })[req.headers['x-user']], store: tidegateStore() }))
  for (const user of ['seven', 'none', 'empty']) assert.deepEqual(await statuses(ask, 2, '/', { 'x-user': user }), [200, 429], user)
})

test('keys are looked at and forgotten', async () => {
  const { clock, advance } = time()
  const store = tidegateStore({ clock })
  const limiter = limit({ limit: 2, keyGenerator: () => 'alice', store })
  const ask = await serve(limiter)
  assert.equal(await limiter.getKey('alice'), undefined)
  await ask()
  advance(10)
  assert.deepEqual(await limiter.getKey('alice'), { totalHits: 1, resetTime: new Date(Date.now() + 50_000) })
  assert.deepEqual(await statuses(ask, 2), [200, 429])
  await limiter.resetKey('alice')
  assert.deepEqual(await statuses(ask, 3), [200, 200, 429])
  await store.resetAll()
  assert.equal(await limiter.getKey('alice'), undefined)
  assert.equal((await ask()).status, 200)
  store.shutdown()
})

test('two stores in one application count apart, and the library does not mistake them for one', async () => {
  for (const segment of [undefined, join(folder, 'apart')]) {
    const over = (name) => tidegateStore(segment && { segment: segment + name })
    const [burst, minute] = [limit({ limit: 2, windowMs: 1000, store: over('-burst') }), limit({ limit: 3, store: over('-minute') })]
    const ask = await serve(burst, minute)
    assert.deepEqual(await statuses(ask, 3), [200, 200, 429])
    assert.deepEqual([...burst.said, ...minute.said], [])
    assert.equal((await minute.getKey('127.0.0.1')).totalHits, 2)
  }
})

test('over a segment, applications share a count, with other limiters too; another limit is another file', async () => {
  const segment = join(folder, 'shared')
  const keyGenerator = () => 'alice'
  const asks = []
  for (let i = 0; i < 2; i++) asks.push(await serve(limit({ limit: 3, keyGenerator, store: tidegateStore({ segment }) })))
  const all = []
  for (const i of [0, 1, 0, 1]) all.push((await asks[i]()).status)
  assert.deepEqual(all, [200, 200, 200, 429])
  assert.ok(!new Limiter('3/minute', { segment: `${segment}.3-60` }).allow('alice'))
  const more = await serve(limit({ limit: 4, keyGenerator, store: tidegateStore({ segment }) }))
  assert.equal((await more()).status, 200)
  assert.deepEqual(readdirSync(folder).filter((name) => name.startsWith('shared')).sort(), ['shared.3-60', 'shared.4-60'])
  await assert.rejects(tidegateStore({ segment }).resetAll(), { code: 'options' })
})

test('a file that cannot be had: an error for every request, or they pass if they may', async () => {
  const broken = () => tidegateStore({ segment: '/nowhere/at/all' })
  const limiter = limit({ limit: 1, store: broken() })
  assert.equal(limiter.said[0], 'segment-io')
  assert.deepEqual(await statuses(await serve(limiter), 2), [500, 500])
  assert.deepEqual(await statuses(await serve(limit({ limit: 1, passOnStoreError: true, store: broken() })), 2), [200, 200])
  assert.throws(() => tidegateStore().increment('alice'), { code: 'options' })
})

test('those who are denied and never answered are forgotten', async () => {
  const { clock, advance } = time()
  const store = tidegateStore({ clock })
  store.init({ windowMs: 1000, limit: 1, skipFailedRequests: true })
  const deny = (key) => [0, 1].map(() => store.increment(key).totalHits)[1]
  for (let i = 0; i < 2000; i++) assert.equal(deny(`key-${i}`), 2)
  assert.equal(deny('key-0'), 4) // as the library's own store counts them
  advance(1)
  for (let i = 0; i < 2000; i++) assert.equal(deny(`key-${i}`), 2)
  await store.decrement('key-7')
  assert.equal((await store.get('key-7')).totalHits, 1)
  await store.decrement('key-7')
  assert.equal(await store.get('key-7'), undefined)
  // Of a denial whose time has passed the library does not speak any more.
  advance(1)
  store.increment('key-8')
  await store.decrement('key-8')
  assert.equal(await store.get('key-8'), undefined)
})

test('times are whole milliseconds, and not early', async () => {
  const clock = new ManualClock()
  const store = tidegateStore({ clock })
  store.init({ windowMs: 60_000, limit: 1 })
  store.increment('alice')
  clock.advance(20.0005)
  assert.equal(store.increment('alice').resetTime.getTime() - Date.now(), 40_000)
})
