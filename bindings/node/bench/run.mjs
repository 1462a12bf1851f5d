// tidegate and its peers in Node, side by side in one run.
//
//   node run.mjs                some minutes; prints the tables
//   node run.mjs --record       and writes them and a chart to benches/record/
//   node run.mjs --only hot     the cases whose names have this in them: `--list` lists them
//   node run.mjs --quick        shows that all runs; the figures mean nothing

import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chart } from './chart.mjs'
import { cases, measureChecks } from './checks.mjs'
import { measureCluster, WORKERS } from './cluster.mjs'
import { full, quick, summary } from './harness.mjs'
import { frameworks, measureHttp } from './http.mjs'
import { machine } from './machine.mjs'
import { document, tables, verdicts } from './report.mjs'

const { values } = parseArgs({
  options: { record: { type: 'boolean' }, quick: { type: 'boolean' }, list: { type: 'boolean' }, only: { type: 'string', default: '' } },
})

if (values.record && (values.quick || values.only)) throw new Error('a record has all cases, measured in full: --record goes alone')

const sizes = values.quick ? quick : full
const summaries = (figures, of = (figure) => figure) => [...figures].map(([name, each]) => ({ name, ...summary(each.map(of)) }))

/** What is measured: how, in which unit, and against which contender the table shows ratios. */
const all = [
  ...cases.map((one) => ({ ...one, unit: 'ns', measure: async () => summaries(await measureChecks(one, sizes)) })),
  {
    id: 'cluster', unit: 'ns', title: `a cluster of ${WORKERS}, all asking at once about 64 keys, admitted`,
    measure: async () => summaries(await measureCluster(sizes)),
  },
  ...frameworks.map((one) => ({
    ...one, unit: 'µs',
    measure: async () => {
      const figures = await measureHttp(one, sizes)
      const wall = summaries(figures, (figure) => figure.wall)
      return summaries(figures, (figure) => figure.cpu).map((cpu, i) => ({ ...cpu, wall: wall[i].median }))
    },
  })),
]

if (values.list) {
  all.forEach(({ id, title }) => console.log(`${id.padEnd(16)} ${title}`))
  process.exit()
}

const here = machine()
const results = []
for (const { measure, ...one } of all.filter(({ id }) => id.includes(values.only))) {
  const result = { ...one, rows: await measure() }
  results.push(result)
  console.log(tables([result]))
}
console.log(verdicts(results))

if (values.record) {
  const folder = fileURLToPath(new URL('../../../benches/record/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}${here.date}-node.md`, document(here, sizes, results))
  writeFileSync(`${folder}node.svg`, chart(here, sizes, results))
  console.log(`written: benches/record/${here.date}-node.md, benches/record/node.svg`)
}
