// An Express server that holds every caller to a quota, which it shares with all servers on the same
// segment, in whatever language:
//
//   node server.mjs --policy-file policies.toml --policy free --segment /dev/shm/quota --port 8080
//
// Each API key has a quota of its own; callers without one share that of their address.

import { parseArgs } from 'node:util'
import express from 'express'
import { Limiter, PolicyFile } from 'tidegate'
import { rateLimit } from 'tidegate/express'

const { values } = parseArgs({
  options: {
    policy: { type: 'string', default: '100/minute; 10/second token-bucket' },
    'policy-file': { type: 'string' },
    segment: { type: 'string' },
    port: { type: 'string', default: '8080' },
  },
})
const file = values['policy-file']
const policy = file === undefined ? values.policy : PolicyFile.load(file).require(values.policy)
const limiter = new Limiter(policy, { segment: values.segment })

const app = express()
app.use(rateLimit(limiter, { key: 'api-key', style: 'x-ratelimit, ietf' }))
app.get('/', (req, res) => res.send('Welcome.\n'))

const server = app.listen(Number(values.port), '127.0.0.1', (error) => {
  if (error) throw error
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
