// The vectors are what every language must decide.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { apiKey, contentTooLarge, Limiter, ManualClock, Policy, Proxies } from 'tidegate'

const load = (name) => JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}`, import.meta.url), 'utf8'))

/** Nanoseconds as the seconds that this package gives. */
const seconds = (nanoseconds) => Number(nanoseconds) / 1e9

test('policies mean what they should', () => {
  const { valid } = load('policies.json')
  for (const { notation, canonical, limits } of valid) {
    const policy = new Policy(notation)
    assert.equal(policy.notation, canonical)
    assert.equal(new Policy(canonical).notation, canonical)
    const wanted = limits.map(({ name, quota, window_ns, algorithm, capacity, unit, resolution_ns }) => ({
      name, quota: Number(quota), window: seconds(window_ns), algorithm, capacity: Number(capacity), unit, resolution: seconds(resolution_ns),
    }))
    assert.deepEqual(policy.limits.map((limit) => ({ ...limit })), wanted, notation)
  }
  assert.ok(valid.length > 0)
})

test('wrong policies are refused at the place', () => {
  for (const { notation, at, len } of load('policies.json').invalid) {
    assert.throws(() => new Policy(notation), { code: 'notation', at, length: len }, notation)
  }
})

/** Makes every call of every case, and hands the decision to `look`. */
function run(cases, look) {
  assert.ok(cases.length > 0)
  for (const { name, policy, report, steps } of cases) {
    const clock = new ManualClock()
    const limiter = new Limiter(new Policy(policy).with({ report }), { clock, maxKeys: 16 })
    steps.forEach((step, i) => {
      clock.nanoseconds = BigInt(step.now_ns)
      const place = `${name}, step ${i}`
      if (step.error !== undefined) assert.throws(() => call(limiter, step), { code: step.error }, place)
      else look(place, step, call(limiter, step))
    })
  }
}

/** Every other key goes as bytes, which are the same key. */
let calls = 0
function call(limiter, { op, key: text, cost, costs = [] }) {
  const key = calls++ % 2 ? Buffer.from(text) : text
  const named = () => Object.fromEntries(costs.map((cost, i) => [limiter.policy.limits[i]?.name ?? `no-limit-${i}`, Number(cost)]))
  switch (op) {
    case 'check': return limiter.check(key)
    case 'check_n': return limiter.check(key, Number(cost))
    case 'check_costs': return limiter.check(key, complete(limiter, named()))
    case 'peek': return limiter.peek(key)
    case 'refund': return limiter.refund(key, Number(cost))
    case 'refund_costs': return limiter.refund(key, complete(limiter, named()))
    case 'reset': return limiter.reset(key)
    default: throw new Error(`no such call: ${op}`)
  }
}

/** A cost that is not named is 0 here; the other languages count them, so that too few are an error. */
function complete(limiter, costs) {
  const missing = limiter.policy.limits.length - Object.keys(costs).length
  if (missing > 0) throw Object.assign(new Error(), { code: 'cost-count' })
  return costs
}

const numbers = (d) => ({
  allowed: d.allowed, at: d.at, reported: d.reported, limit: d.limit, remaining: d.remaining, resetAfter: d.resetAfter,
  retryAfter: d.retryAfter, violated: [...d.violated],
  limits: d.limits.map(({ quota, window, ...state }) => state),
})

const expected = (d) => ({
  allowed: d.allowed, at: seconds(d.at_ns), reported: d.reported, limit: Number(d.limit), remaining: Number(d.remaining),
  resetAfter: seconds(d.reset_after_ns), retryAfter: d.retry_after_ns === null ? undefined : seconds(d.retry_after_ns), violated: d.violated,
  limits: d.limits.map((l) => ({
    name: l.name, violated: l.violated, remaining: Number(l.remaining), resetAfter: seconds(l.reset_after_ns),
    retryAfter: seconds(l.retry_after_ns), effectiveWindow: seconds(l.effective_window_ns),
  })),
})

test('decisions are as written', () => {
  run(load('decisions.json').cases, (place, step, found) => {
    assert.deepEqual(found && numbers(found), step.decision && expected(step.decision), place)
  })
})

test('headers are as written', () => {
  run(load('headers.json').cases, (place, step, found) => {
    assert.equal(Object.keys(step.headers).length, 3)
    for (const [style, headers] of Object.entries(step.headers)) {
      assert.deepEqual(Object.entries(found.headers(style)), headers, `${place}, ${style}`)
    }
  })
})

const response = ({ status, contentType, text, cacheControl }) => {
  assert.equal(cacheControl, 'no-store')
  return { status, content_type: contentType, body: text }
}

test('bodies are as written', () => {
  const { cases, content_too_large } = load('bodies.json')
  run(cases, (place, step, found) => {
    const [message, problem] = [found.body('*/*'), found.body('application/problem+json')]
    assert.deepEqual(message && response(message), step.bodies.message, place)
    assert.deepEqual(problem && response(problem), step.bodies.problem, place)
  })
  for (const vector of content_too_large) {
    assert.deepEqual(response(contentTooLarge(Number(vector.max_body))), vector.response)
  }
})

test('clients are told apart as written', () => {
  const { clients, invalid_trusted, api_keys } = load('addresses.json')
  for (const { name, trusted, header, ipv6_prefix, peer, lines, client, key } of clients) {
    const proxies = new Proxies(trusted, { header, ipv6Prefix: ipv6_prefix })
    assert.deepEqual([proxies.client(peer, lines), proxies.key(peer, lines)], [client, key], name)
  }
  for (const trusted of invalid_trusted) assert.throws(() => new Proxies(trusted), { code: 'options' }, trusted)
  for (const { authorization, x_api_key, api_key } of api_keys) {
    assert.equal(apiKey(authorization, x_api_key) ?? null, api_key)
  }
})
