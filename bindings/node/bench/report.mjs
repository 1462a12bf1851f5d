// The tables of a run, and what must be shown.

import { ALLOW, CHECK, EXPRESS, FLEXIBLE, MANY, READ, UNION } from './contenders.mjs'
import { OURS, THEIRS } from './cluster.mjs'
import { NONE } from './http.mjs'

/** What a run is to show: a figure of ours against one of another's, or as it is. */
const targets = [
  { what: 'hot key admitted, allow, against express-rate-limit', in: 'hot-admitted', our: ALLOW.name, their: EXPRESS.name, most: 1.0 },
  { what: 'hot key admitted, allow, against rate-limiter-flexible', in: 'hot-admitted', our: ALLOW.name, their: FLEXIBLE.name, most: 0.4 },
  { what: 'hot key admitted, check with its decision read, against rate-limiter-flexible', in: 'hot-admitted', our: READ.name, their: FLEXIBLE.name, most: 0.6 },
  { what: 'two limits, check, against rate-limiter-flexible\'s union', in: 'union-admitted', our: CHECK.name, their: UNION.name, most: 0.25 },
  { what: 'hot key denied, check with its decision read, against rate-limiter-flexible', in: 'hot-denied', our: READ.name, their: FLEXIBLE.name, most: 0.15 },
  { what: 'checkMany of 64 hot keys, a key', in: 'hot-admitted', our: MANY.name, most: 120 },
  { what: 'a check in a cluster of four, against rate-limiter-flexible\'s', in: 'cluster', our: OURS, their: THEIRS, most: 0.01 },
  { what: 'Express, added processor time, against express-rate-limit', in: 'express', our: 'tidegate', their: 'express-rate-limit', beyond: NONE, most: 0.5 },
]

function verdict(target, results) {
  const { what, our, their, beyond, most } = target
  const rows = results.find(({ id }) => id === target.in)?.rows
  if (rows === undefined) return []
  const of = (name) => rows.find((row) => row.name === name).median
  const base = beyond === undefined ? 0 : of(beyond)
  const measured = their === undefined ? of(our) : (of(our) - base) / (of(their) - base)
  const show = (figure) => (their === undefined ? `${figure.toFixed(0)} ns` : `${figure.toFixed(most < 0.1 ? 4 : 2)} ×`)
  return [`| ${what} | ${show(measured)} | ${show(most)} | ${measured <= most ? 'met' : 'falls short'} |`]
}

export function verdicts(results) {
  return ['| target | measured | at most |  |', '| --- | ---: | ---: | --- |', ...targets.flatMap((target) => verdict(target, results)), ''].join('\n')
}

export function tables(results) {
  return results.map((result) => (result.unit === 'µs' ? servers(result) : checks(result))).join('\n')
}

function checks({ id, title, rows }) {
  const [first] = rows
  const line = ({ name, median, min, max }) => `| ${name} | ${nanos(median)} | ${nanos(min)} | ${nanos(max)} | ${(median / first.median).toFixed(2)} |`
  return [`## ${title} (\`${id}\`)`, '', `| ns a check | median | min | max | × ${first.name} |`, '| --- | ---: | ---: | ---: | ---: |', ...rows.map(line), ''].join('\n')
}

function servers({ id, title, rows }) {
  const bare = rows.find(({ name }) => name === NONE)
  const line = ({ name, median, min, max, wall }) =>
    `| ${name} | ${[median, min, max].map(micros).join(' | ')} | ${name === NONE ? '' : micros(median - bare.median)} | ${micros(wall)} | ${name === NONE ? '' : micros(wall - bare.wall)} |`
  return [
    `## ${title} (\`${id}\`)`, '',
    '| µs a request | processor, median | min | max | added | elapsed, median | added |', '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows.map(line), '',
  ].join('\n')
}

const nanos = (figure) => figure.toFixed(figure < 1000 ? 1 : 0)
const micros = (figure) => figure.toFixed(1)

/** A record. */
export function document(machine, { rounds, ms }, results) {
  return [
    `# Node: tidegate and its peers, ${machine.date}`, '',
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memory} GB, ${machine.system}`,
    `- Load in the minute before: ${machine.load}`,
    `- Node ${machine.node}; ${machine.versions.join(', ')}`,
    `- Commit: ${machine.commit}`,
    `- Command: \`make bench-node\`; ${rounds} rounds, at least ${ms} ms each`, '',
    'Ours is `100/minute; 10/second token-bucket`, two limits decided together; each of the others decides',
    'one, but for the union. All contenders of a case take turns within one run. How keys stay admitted',
    'for so long, and what speaks for and against us: [METHODOLOGY.md](../METHODOLOGY.md).', '',
    '![chart](node.svg)', '',
    '## What must be shown', '', verdicts(results), tables(results),
  ].join('\n')
}
