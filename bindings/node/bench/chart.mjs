// A record as bars. They are drawn by what draws those of Rust and Python, from titles, labels and figures.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const panels = [
  ['hot-admitted', 'hot keys, admitted'],
  ['hot-denied', 'hot keys, denied'],
  ['many-admitted', '100,000 keys, admitted'],
  ['union-admitted', 'two limits, admitted'],
  ['express', 'Express 5, µs a request'],
  ['fastify', 'Fastify 5, µs a request'],
  ['cluster', 'a cluster of four'],
]

/** What fits beside a bar. */
const short = (name) =>
  name
    .replace(', decision read', ', read')
    .replace(', one segment', '')
    .replace(/ (MemoryStore|LocalStore|TokenBucket|memory|union|cluster)$/, '')
    .replace('tidegate checkMany', 'checkMany')

const bar = ({ name, median }) => ({ label: short(name), nanos: median, ours: name.startsWith('tidegate') })

/** The chart as a document of its own. */
export function chart(machine, { rounds }, results) {
  const drawn = {
    title: 'Nanoseconds a check in Node, less is better',
    notes: [
      'tidegate decides two limits together and reports on both; the others decide one, but for two limits',
      `${machine.cpu}, Node ${machine.node}, ${machine.date} · medians of ${rounds} interleaved rounds`,
    ],
    panels: panels.flatMap(([id, title]) => results.filter((result) => result.id === id).map(({ rows }) => ({ title, bars: rows.map(bar) }))),
  }
  const cwd = fileURLToPath(new URL('../../..', import.meta.url))
  const draw = ['run', '--quiet', '--release', '--locked', '-p', 'tidegate-benches', '--bin', 'chart']
  return execFileSync('cargo', draw, { cwd, input: JSON.stringify(drawn), encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] })
}
