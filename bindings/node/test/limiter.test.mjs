import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { checkAll, exposedHeaders, Limiter, ManualClock, Policy, PolicyFile, Proxies } from 'tidegate'

const manual = (policy, options) => {
  const clock = new ManualClock()
  return { clock, limiter: new Limiter(policy, { clock, ...options }) }
}

test('ESM and CommonJS share one package', () => {
  assert.equal(createRequire(import.meta.url)('tidegate').Limiter, Limiter)
})

test('keys are the same as text and as bytes', () => {
  const lengths = [15, 16, 17, 63, 64, 65, 66, 67, 200, 65_536]
  const keys = ['alice', 'ключ', '鍵🔑', 'é', 'ÿ'.repeat(64), '\x7f', 'é'.repeat(32_768), '\0', 'a\0b', 'lone \ud83d half',
    `joined ${lengths}`, ...lengths.map((length) => 'x'.repeat(length)), ...lengths.slice(0, -1).map((length) => 'é'.padStart(length, 'x'))]
  for (const key of keys) {
    const { limiter } = manual('1/minute')
    assert.ok(limiter.allow(key))
    assert.ok(!limiter.allow(Buffer.from(key)), key)
    assert.ok(!limiter.allow(new Uint8Array(Buffer.from(key))))
    assert.deepEqual(limiter.checkMany([key, Buffer.from(key)]).map((d) => d.allowed), [false, false])
  }
})

test('keys of one length are told apart, and so are a long key and its beginning', () => {
  const { limiter } = manual('1/minute')
  const keys = ['aé', 'aè', 'a', 'ab', 'a'.repeat(49), 'a'.repeat(50), 'a'.repeat(65_536)]
  assert.deepEqual(keys.map((key) => limiter.allow(key)), keys.map(() => true))
  assert.deepEqual(keys.map((key) => limiter.allow(key)), keys.map(() => false))
})

test('wrong keys are errors with a code, and take nothing', () => {
  const { limiter } = manual('1/minute')
  const calls = [(key) => limiter.check(key), (key) => limiter.allow(key), (key) => limiter.peek(key),
    (key) => limiter.refund(key), (key) => limiter.reset(key), (key) => limiter.checkMany(['alice', key])]
  for (const call of calls) {
    assert.throws(() => call(''), { code: 'empty-key' })
    assert.throws(() => call('x'.repeat(65_537)), { code: 'key-too-long', message: /65537 bytes/ })
    assert.throws(() => call('é'.repeat(40_000)), { code: 'key-too-long', message: /80000 bytes/ })
    assert.throws(() => call(new Uint8Array(70_000)), { code: 'key-too-long', message: /70000 bytes/ })
    for (const key of [undefined, null, 7, {}, ['a']]) assert.throws(() => call(key), { name: 'TypeError', code: 'key-type' })
  }
  assert.ok(limiter.allow('alice'))
})

test('wrong costs are errors with a code, and take nothing', () => {
  const { limiter } = manual('requests: 5/minute; tokens: 900/minute token-bucket')
  assert.throws(() => limiter.check('a', 0), { code: 'zero-cost' })
  assert.throws(() => limiter.check('a', 6), { code: 'cost-above-quota', message: /`requests`/ })
  assert.throws(() => limiter.check('a', 2 ** 80), { code: 'cost-above-quota' })
  assert.throws(() => limiter.check('a', { tokens: 901 }), { code: 'cost-above-quota', message: /`tokens`/ })
  assert.throws(() => limiter.check('a', { token: 1 }), { code: 'cost-count', message: /`requests`, `tokens`/ })
  assert.throws(() => limiter.check('a', {}), { code: 'zero-cost' })
  for (const cost of [-1, 1.5, NaN, Infinity, '1', 1n, null]) assert.throws(() => limiter.check('a', cost), RangeError, String(cost))
  assert.throws(() => limiter.checkMany(['a', 'b'], [1]), { code: 'cost-count' })
  assert.throws(() => limiter.checkMany(['a', 'b'], [1, 6]), { code: 'cost-above-quota' })
  assert.equal(limiter.peek('a').remaining, 5)
})

test('a cost for each limit', () => {
  const { limiter } = manual('requests: 5/minute; tokens: 900/minute token-bucket')
  const decision = limiter.check('a', { requests: 1, tokens: 600 })
  assert.deepEqual(decision.limits.map((l) => [l.name, l.remaining]), [['requests', 4], ['tokens', 300]])
  const denied = limiter.check('a', { requests: 1, tokens: 600 })
  assert.deepEqual([denied.allowed, denied.violated, denied.retryAfter], [false, ['tokens'], 20])
  limiter.refund('a', { tokens: 300 })
  assert.ok(limiter.allow('a', { tokens: 600 }))
})

test('a decision stays as it was, whatever is asked afterwards', () => {
  for (const policy of ['3/minute', '3/minute; 2/second token-bucket', '3/s; 4/m; 5/h; 6/d; a: 7/d; b: 8/d; c: 9/d; d: 10/d']) {
    const { limiter } = manual(policy)
    const first = limiter.check('alice')
    const before = JSON.stringify([first, first.headers('ietf')])
    const others = [limiter.check('alice'), limiter.check('alice'), limiter.check('bob', 2)]
    for (const other of others) assert.ok([other.limits, other.headers(), other.body()])
    assert.equal(JSON.stringify([first, first.headers('ietf')]), before)
    assert.equal(first.remaining, 2)
  }
})

test('a decision shows what it holds', () => {
  const { limiter } = manual('1/minute')
  limiter.check('alice')
  const denied = limiter.check('alice')
  assert.match(inspect(denied), /^Decision \{\s+allowed: false,\s+limit: 1,\s+remaining: 0,\s+resetAfter: 60,\s+retryAfter: 60,/)
  assert.deepEqual(denied.headers('ietf, x-ratelimit'), {
    'X-RateLimit-Limit': '1', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '60',
    'RateLimit-Policy': '"minute";q=1;w=60', RateLimit: '"minute";r=0;t=60', 'Retry-After': '60',
  })
  assert.throws(() => denied.headers('ietf-07'), { code: 'options' })
  assert.equal(exposedHeaders('ietf'), 'RateLimit-Policy, RateLimit, Retry-After')
})

test('Retry-After is jittered upward, in headers and body', () => {
  const { limiter } = manual('1/minute')
  assert.equal(limiter.check('alice').jittered(5), 0)
  const denied = limiter.check('alice')
  assert.deepEqual([0, 0.5, 0.999].map((random) => denied.jittered(5, () => random)), [60, 63, 65])
  assert.equal(denied.headers('x-ratelimit', 63)['Retry-After'], '63')
  assert.equal(denied.headers('x-ratelimit', 7)['Retry-After'], '60')
  assert.match(denied.body('', 63).text, /in 63 seconds/)
})

test('batches decide as single checks do', () => {
  const policy = '5/minute; 3/second token-bucket'
  const [one, many] = [manual(policy).limiter, manual(policy).limiter]
  const keys = Array.from({ length: 1000 }, (_, i) => `key-${i % 250}-${'é'.repeat(i % 90)}`)
  const costs = keys.map((_, i) => 1 + (i % 3))
  const single = keys.map((key, i) => one.check(key, costs[i]))
  assert.equal(JSON.stringify(many.checkMany(keys, costs)), JSON.stringify(single))
  assert.deepEqual(many.checkMany([]), [])
  const long = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(60_000, 'x'))
  assert.ok(many.checkMany(long, 3).every((d) => d.allowed))
  assert.ok(!many.checkMany(long, 3).some((d) => d.allowed))
})

test('what a list of keys or costs does when it is read changes no other call', () => {
  const { limiter } = manual('2/minute')
  const within = () => limiter.checkMany(['x'.repeat(90), Buffer.from('other'), 'ö']) && limiter.check(Buffer.from('another'), { minute: 1 })
  const keys = ['alice', Buffer.from('bob')]
  for (const i of [0, 1]) Object.defineProperty(keys, i, { enumerable: true, get: ((key) => () => within() && key)(keys[i]) })
  assert.deepEqual(limiter.checkMany(keys).map((d) => d.remaining), [1, 1])
  assert.equal(limiter.check(Buffer.from('alice'), { get minute() { within(); return 1 } }).remaining, 0)
  const part = { limiter, get key() { within(); return Buffer.from('bob') }, get cost() { within(); return 1 } }
  assert.ok(checkAll([part]).allowed)
  assert.deepEqual(['alice', 'bob'].map((key) => limiter.peek(key).remaining), [0, 0])
})

test('several limiters admit together, or nothing is taken', () => {
  const [users, organisations] = [manual('3/minute').limiter, manual('2/minute').limiter]
  const ask = (user) => checkAll([{ limiter: users, key: user }, { limiter: organisations, key: 'acme', cost: 2 }])
  assert.ok(ask('alice').allowed)
  const denied = ask('bob')
  assert.deepEqual([denied.allowed, denied.decisions.map((d) => d.allowed)], [false, [true, false]])
  assert.equal(denied.reported, denied.decisions[1])
  assert.equal(users.peek('bob').remaining, 3)
  assert.throws(() => checkAll([]), { code: 'joint' })
  assert.throws(() => checkAll([{ limiter: users, key: 'a' }, { limiter: users, key: 'b' }]), { code: 'joint' })
})

test('options', () => {
  const { limiter } = manual('1/minute', { maxKeys: 1, onFull: 'deny' })
  let untracked = 0
  for (let i = 0; i < 1000; i++) if (!limiter.check(`key-${i}`).tracked) untracked++
  assert.ok(untracked > 900 && untracked === limiter.counters.overflowed)
  assert.equal(limiter.counters.admitted + limiter.counters.denied.minute, 1000)
  assert.throws(() => new Limiter('1/minute', { maxKeys: 0 }), { code: 'options' })
  assert.throws(() => new Limiter('1/minute', { maxKeys: 1.5 }), { code: 'options' })
  assert.throws(() => new Limiter('1/minute', { onFull: 'panic' }), { code: 'options', message: /`panic`/ })
  assert.throws(() => new Limiter('1/minute', { clock: 'sundial' }), { code: 'options' })
  assert.throws(() => new Limiter('1/minute', { segment: '/nowhere/at/all' }), { code: 'segment-io' })
})

test('an address with a zone is counted as the address', () => {
  assert.equal(new Proxies().key('fe80::1%eth0'), 'fe80::/64')
  assert.throws(() => new Proxies('', { ipv6Prefix: 300 }), { code: 'options' })
})

test('policy files', () => {
  const file = PolicyFile.fromToml('[free]\nlimits = "2/minute"\nmax_body = "5 MB"\n[pro]\nreport = "tightest"\nlimits = ["9/minute", "8/day"]\n')
  assert.deepEqual(file.names, ['free', 'pro'])
  const free = file.require('free')
  assert.deepEqual([free.name, free.maxBody, free.report], ['free', 5_000_000, 'first'])
  assert.equal(file.get('nobody'), undefined)
  assert.throws(() => file.require('fre'), { code: 'policy-file', message: /did you mean `free`/ })
  assert.throws(() => PolicyFile.load('/nowhere.toml'), { code: 'policy-file' })
  assert.deepEqual([...file].map((policy) => new Limiter(policy).check('a').reported), ['minute', 'day'])
  const changed = new Policy('1/minute').with({ name: 'tiny', report: 'tightest', maxBody: 7 })
  assert.deepEqual([changed.name, changed.report, changed.maxBody, `${changed}`], ['tiny', 'tightest', 7, '1/minute'])
})

test('time and costs at their ends', () => {
  const { clock, limiter } = manual('9000000000000000/second token-bucket')
  assert.equal(limiter.check('a', 8_999_999_999_999_999).remaining, 1)
  clock.nanoseconds = 2n ** 64n - 1n
  assert.ok(limiter.check('a').at > 9e9)
  assert.throws(() => clock.advance(-1), { code: 'options' })
  clock.nanoseconds = 5n
  clock.advance(0.25)
  assert.equal(clock.nanoseconds, 250_000_005n)
})
