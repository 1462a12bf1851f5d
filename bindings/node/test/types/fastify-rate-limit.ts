import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import { tidegateStore, type StoreOptions } from 'tidegate/fastify-rate-limit'

const options: StoreOptions = { segment: '/dev/shm/api', limit: 1000 }
const app = Fastify()
app.register(rateLimit, { max: () => 1000, timeWindow: '1 minute', store: tidegateStore(options) })
app.register(rateLimit, { store: tidegateStore(), ban: 2, continueExceeding: true })

// @ts-expect-error the library makes the store: it wants what makes one
app.register(rateLimit, { store: new (tidegateStore())({}) })
// @ts-expect-error the library's options are the library's
tidegateStore({ timeWindow: 60_000 })
