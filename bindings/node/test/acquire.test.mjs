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

test('who has less time than the first must wait is denied at once', async () => {
  const { clock, limiter } = manual('1/minute')
  limiter.check('alice')
  const first = limiter.acquire('alice', 1, { timeout: 60 })
  const second = limiter.acquire('alice', 1, { timeout: 119 })
  for (const timeout of [0, 59.9]) {
    const denied = await limiter.acquire('alice', 1, { timeout })
    assert.deepEqual([denied.allowed, denied.retryAfter], [false, 60])
  }
  clock.advance(60)
  assert.ok((await first).allowed)
  assert.equal((await second).retryAfter, 60)
})

test('who has no time left does not overtake', async () => {
  const { clock, limiter } = manual('10/minute token-bucket')
  limiter.check('alice', 10)
  const large = limiter.acquire('alice', 10)
  for (let i = 0; i < 9; i++) {
    const small = [0, 6].map((timeout) => limiter.acquire('alice', 1, { timeout }))
    clock.advance(6)
    for (const decision of await Promise.all(small)) assert.equal(decision.allowed, false)
  }
  clock.advance(6)
  assert.ok((await large).allowed)
})

test('whose time is just over passes when all before it do', async () => {
  const { clock, limiter } = manual('2/minute')
  clock.nanoseconds = 1_700_000_000_100_000_000n
  limiter.check('alice', 2)
  const all = [1, 2, 3].map(() => limiter.acquire('alice', 1, { timeout: 60 }))
  clock.advance(29.9)
  clock.advance(30.1)
  assert.deepEqual((await Promise.all(all)).map((decision) => decision.allowed), [true, true, false])
})

test('when the first must wait longer, who has no time for it is told', async () => {
  const { clock, limiter } = manual('1/minute')
  limiter.check('alice')
  // Somebody who does not wait comes before the queue looks.
  const deaf = clock.listen(() => limiter.check('alice'))
  const first = limiter.acquire('alice', { minute: 1 })
  const second = limiter.acquire('alice', 1, { timeout: 90 })
  clock.advance(60)
  assert.equal((await second).allowed, false)
  deaf()
  clock.advance(60)
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

test('wrong arguments reject, whoever is ahead', async () => {
  const { limiter } = manual('1/minute')
  const wrong = async () => {
    for (const [code, ...given] of [
      ['empty-key', ''],
      ['key-type', 7],
      ['cost-above-quota', 'a', 2],
      ['cost-above-quota', 'a', { minute: 2 }],
      ['zero-cost', 'a', 0],
      ['cost-count', 'a', { hour: 1 }],
      ['options', 'a', 1, { timeout: -1 }],
      ['options', 'a', 1, { timeout: Number.NaN }],
      ['options', 'a', 1, { timeout: '5' }],
    ]) {
      await assert.rejects(limiter.acquire(...given), { code })
    }
  }
  await wrong()
  assert.ok((await limiter.acquire('a')).allowed)
  const waits = limiter.acquire('a')
  await wrong()
  limiter.reset('a')
  assert.ok((await waits).allowed)
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
