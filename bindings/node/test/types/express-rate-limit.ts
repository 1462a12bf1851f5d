import { rateLimit, type Store } from 'express-rate-limit'
import { ManualClock } from 'tidegate'
import { tidegateStore, type StoreOptions, type TidegateStore } from 'tidegate/express-rate-limit'

const options: StoreOptions = { segment: '/dev/shm/api', limit: 1000, maxKeys: 10, onFull: 'deny', clock: new ManualClock() }
const store: TidegateStore = tidegateStore(options)
const theirs: Store = store
const limiter = rateLimit({ windowMs: 60_000, limit: (req) => (req.get('x-plan') === 'pro' ? 1000 : 100), store })
const plain = rateLimit({ store: tidegateStore() })
const forgotten: Promise<void> = store.resetKey('alice')

// @ts-expect-error the library's options are the library's
tidegateStore({ windowMs: 60_000 })
// @ts-expect-error a number
tidegateStore({ limit: () => 5 })
// @ts-expect-error of one's own making it is not
store.localKeys = false
