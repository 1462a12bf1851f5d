// Where and with what a record was measured.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'

const read = (file) => JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'))

/** The versions of the peers that are installed, and ours. */
function versions() {
  const peers = Object.keys(read('package.json').dependencies).sort()
  const installed = read('package-lock.json').packages
  return [`tidegate ${read('../package.json').version}`, ...peers.map((name) => `${name} ${installed[`node_modules/${name}`].version}`)]
}

function commit() {
  try {
    const cwd = new URL('.', import.meta.url)
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 1e9),
    system: `${platform()} ${release()} ${arch()}`,
    load: loadavg()[0].toFixed(2),
    node: process.version,
    commit: commit(),
    versions: versions(),
  }
}
