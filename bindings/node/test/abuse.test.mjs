// Nothing that JavaScript can do ends the process: it is answered, or an error.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { checkAll, Decision, Limiter, ManualClock, Policy, PolicyFile, Proxies } from 'tidegate'

const abuse = fileURLToPath(new URL('fixtures/abuse.mjs', import.meta.url))
const { native } = createRequire(import.meta.url)('../dist/native.js')

test('anything for anything, in a process', { timeout: 120_000 }, () => {
  for (const seed of ['1', '2']) {
    const { status, signal, stderr } = spawnSync(process.execPath, [abuse, seed, '50000'], { encoding: 'utf8' })
    assert.deepEqual([status, signal, stderr], [0, null, ''])
  }
})

test('anything for anything, in threads, and in one that is ended meanwhile', { timeout: 120_000 }, async () => {
  const threads = [3, 4].map((seed) => new Worker(abuse, { argv: [String(seed), '20000'] }))
  // It ends by itself too: what it does may catch the order to end, and forget it.
  const ended = new Worker(abuse, { argv: ['5', '60000'] })
  const codes = await Promise.all(threads.map(async (thread) => (await once(thread, 'exit'))[0]))
  assert.deepEqual(codes, [0, 0])
  await ended.terminate()
})

test('memory that can be taken away, or is too small, makes no limiter', () => {
  const policy = native.parsePolicy('1/minute')
  const size = native.MEMORY_SIZE
  const wrong = [new ArrayBuffer(size), new SharedArrayBuffer(size), new Uint8Array(size), new Uint8Array(new ArrayBuffer(size, { maxByteLength: size })),
    new Uint8Array(new SharedArrayBuffer(size - 1)), new Uint8Array(new SharedArrayBuffer(size + 8), 1), new DataView(new SharedArrayBuffer(size))]
  for (const memory of wrong) assert.throws(() => native.createLimiter(memory, policy, {}), /memory/)
  assert.ok(native.createLimiter(new Uint8Array(new SharedArrayBuffer(size)), policy, {}))
})

test('methods on what they do not belong to are errors', () => {
  const limiter = new Limiter('1/minute')
  for (const name of ['check', 'allow', 'peek', 'refund', 'reset', 'checkMany']) {
    for (const it of [undefined, {}, Object.create(Limiter.prototype), new Policy('1/minute')]) {
      assert.throws(() => limiter[name].call(it, name === 'checkMany' ? ['a'] : 'a'), TypeError, name)
    }
  }
  assert.throws(() => checkAll([{ limiter: {}, key: 'a' }]), TypeError)
  assert.throws(() => checkAll([{ limiter: Object.create(Limiter.prototype), key: 'a' }]), TypeError)
  for (const handle of [undefined, {}, new ManualClock().handle, 7]) {
    assert.throws(() => new Policy(handle), Error)
    assert.throws(() => new Limiter(Object.create(Policy.prototype, { handle: { value: handle } })), Error)
  }
  for (const wrong of [undefined, null, 7, {}, []]) {
    assert.throws(() => new Limiter(wrong), Error)
    assert.throws(() => PolicyFile.fromToml(wrong), Error)
    assert.throws(() => new Proxies('::1').key(wrong), Error)
  }
  for (const wrong of [null, 7, {}, [7], '::1']) {
    assert.throws(() => new Proxies('::1').key('::1', wrong), Error, String(wrong))
  }
})

test('a decision that somebody has made up has wrong numbers, and no more', () => {
  const limiter = new Limiter('3/minute; 5/second token-bucket')
  const real = limiter.check('alice')
  const Made = real.constructor
  assert.equal(Made, Decision)
  const plan = { handle: new Policy('1/minute').handle, policy: limiter.policy }
  const made = new Made(plan, 1, [0, 0, 0, 0, 0, 0, 0, 0, 0])
  assert.throws(() => made.headers(), Error)
  assert.throws(() => made.limits, Error)
  assert.equal(real.remaining, 2)
})

test('keys whose bytes are gone are no keys, and those that others may change count as what they are', () => {
  const limiter = new Limiter('2/minute')
  const gone = new Uint8Array(8)
  structuredClone(gone.buffer, { transfer: [gone.buffer] })
  for (const name of ['check', 'allow', 'peek', 'refund', 'reset']) assert.throws(() => limiter[name](gone), Error)
  const key = new Uint8Array(new SharedArrayBuffer(3)).fill(97)
  assert.ok(limiter.allow(key) && limiter.allow('aaa') && !limiter.allow(key))
})

test('text of any length is read, or refused', () => {
  const long = 'x'.repeat(2 ** 20)
  for (const notation of [long, ' '.repeat(2 ** 20) + long, `1/minute; ${long}`, '\ud800'.repeat(70_000)]) assert.throws(() => new Policy(notation), { code: 'notation' })
  for (const toml of [long, `[a]\nlimits = "${long}"`, `[${long}]\nlimits = "1/${long}"`]) assert.throws(() => PolicyFile.fromToml(toml), { code: 'policy-file' })
  assert.throws(() => new Proxies(long), { code: 'options' })
  assert.throws(() => new Limiter('1/minute', { segment: `/${long}` }), { code: 'segment-io' })
  assert.throws(() => new Limiter('1/minute', { onFull: long }), { code: 'options' })
  assert.throws(() => new Limiter('1/minute').check('a').headers(long), { code: 'options' })
})

test('a limiter stays in its thread', () => {
  assert.throws(() => structuredClone(new Limiter('1/minute')), { name: 'DataCloneError' })
})
