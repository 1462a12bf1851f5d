import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Limiter, ManualClock } from 'tidegate'

const manual = (policy) => {
  const clock = new ManualClock()
  return { clock, limiter: new Limiter(policy, { clock }) }
}

test('who waits for one key is admitted in order, and not early', async () => {
  const { clock, limiter } = manual('1/minute')
  const order = []
  const wait = (name) => limiter.acquire('alice').then((d) => order.push([name, d.allowed, clock.seconds]))
  const all = ['first', 'second', 'third'].map(wait)
  assert.ok((await limiter.acquire('bob')).allowed)
  assert.deepEqual(order, [['first', true, 0]])
  for (const seconds of [59.9, 0.1, 59.999, 0.001]) {
    clock.advance(seconds)
    await turn()
  }
  await Promise.all(all)
  assert.deepEqual(order, [['first', true, 0], ['second', true, 60], ['third', true, 120]])
})

test('a small cost does not overtake a large one', async () => {
  const { clock, limiter } = manual('10/minute')
  limiter.check('alice', 6)
  const order = []
  const large = limiter.acquire(Buffer.from('alice'), 8).then(() => order.push('large'))
  const small = limiter.acquire('alice', 1).then(() => order.push('small'))
  await turn()
  assert.deepEqual(order, [])
  clock.advance(60)
  await Promise.all([large, small])
  assert.deepEqual(order, ['large', 'small'])
})

test('a wait that cannot end in time is not begun', async () => {
  const { limiter } = manual('1/minute')
  limiter.check('alice')
  const denied = await limiter.acquire('alice', 1, { timeout: 59.9 })
  assert.deepEqual([denied.allowed, denied.retryAfter], [false, 60])
})

test('a time-out in the queue ends with the denial', async () => {
  const { clock, limiter } = manual('1/minute')
  limiter.check('alice')
  const first = limiter.acquire('alice')
  const second = limiter.acquire('alice', 1, { timeout: 30 })
  clock.advance(30)
  assert.equal((await second).allowed, false)
  clock.advance(30)
  assert.ok((await first).allowed)
})

test('a wait can be ended, and the next is first then', async () => {
  const { clock, limiter } = manual('1/minute')
  limiter.check('alice')
  const controller = new AbortController()
  const first = limiter.acquire('alice', 1, { signal: controller.signal })
  const second = limiter.acquire('alice')
  await turn()
  controller.abort(new Error('enough'))
  await assert.rejects(first, /enough/)
  await assert.rejects(limiter.acquire('alice', 1, { signal: controller.signal }), /enough/)
  clock.advance(60)
  assert.ok((await second).allowed)
})

test('giving back wakes who waits', async () => {
  const { limiter } = manual('1/minute')
  limiter.check('alice')
  const waits = limiter.acquire('alice')
  await turn()
  limiter.refund(Buffer.from('alice'))
  assert.ok((await waits).allowed)
  const again = limiter.acquire('alice')
  await turn()
  limiter.reset('alice')
  assert.ok((await again).allowed)
})

test('wrong arguments reject', async () => {
  const { limiter } = manual('1/minute')
  await assert.rejects(limiter.acquire(''), { code: 'empty-key' })
  await assert.rejects(limiter.acquire('a', 2), { code: 'cost-above-quota' })
  assert.ok((await limiter.acquire('a')).allowed)
})

test('by the real clock, and for longer than a timer counts', async () => {
  const limiter = new Limiter('1/20ms token-bucket'.replace('20ms', '20 milliseconds'))
  const started = performance.now()
  for (let i = 0; i < 3; i++) assert.ok((await limiter.acquire('alice')).allowed)
  assert.ok(performance.now() - started >= 39)

  const yearly = new Limiter('1/year token-bucket')
  yearly.check('alice')
  const controller = new AbortController()
  let settled = false
  const wait = yearly.acquire('alice', 1, { signal: controller.signal }).finally(() => (settled = true))
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(settled, false)
  // Nobody polls: one check before the wait, none since.
  assert.equal(yearly.counters.denied.year, 1)
  controller.abort()
  await assert.rejects(wait, { name: 'AbortError' })
})

test('a limiter does not keep the process alive, and a wait only if it may', () => {
  const script = `
    import { Limiter } from 'tidegate'
    const limiter = new Limiter('1/hour')
    limiter.check('a')
    limiter.acquire('a', 1, { ref: false })
    console.log('done')`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: import.meta.dirname ?? process.cwd(), timeout: 20_000, encoding: 'utf8' })
  assert.equal(out, 'done\n')
})
