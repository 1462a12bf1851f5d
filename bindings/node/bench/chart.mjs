// A record as bars: one panel a case, each with its own scale. It follows the reader's light or dark
// scheme, as the chart of the Rust benches does.

const panels = [
  ['hot-admitted', 'hot keys, admitted'],
  ['hot-denied', 'hot keys, denied'],
  ['many-admitted', '100,000 keys, admitted'],
  ['union-admitted', 'two limits, admitted'],
  ['express', 'Express 5, µs a request'],
  ['fastify', 'Fastify 5, µs a request'],
  ['cluster', 'a cluster of four'],
]

const WIDTH = 940
const LABELS = 230
const BARS = 170
const ROW = 22
const HEAD = 34
const TOP = 78

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 16px }
  .head { font-weight: 600 }
  .note { fill: #59636e; font-size: 12px }
  .ours { fill: #0969da }
  .theirs { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .theirs { fill: #57606a }
  }
`

const short = (name) => name.replace(', decision read', ', read')

function panel({ title, rows }, x, y) {
  const longest = Math.max(...rows.map(({ median }) => median))
  const bar = ({ name, median }, row) => {
    const top = HEAD + row * ROW
    const length = (median / longest) * BARS
    return `
    <text x="${LABELS}" y="${top + 12}" text-anchor="end">${short(name)}</text>
    <rect class="${name.startsWith('tidegate') ? 'ours' : 'theirs'}" x="${LABELS + 8}" y="${top}" width="${length.toFixed(1)}" height="15" rx="2"/>
    <text class="note" x="${(LABELS + 14 + length).toFixed(1)}" y="${top + 12}">${median.toFixed(0)}</text>`
  }
  return `
  <g transform="translate(${x} ${y})">
    <text class="head" x="12" y="20">${title}</text>${rows.map(bar).join('')}
  </g>`
}

/** The chart as a document of its own. */
export function chart(machine, { rounds }, results) {
  const drawn = panels.flatMap(([id, title]) => results.filter((result) => result.id === id).map(({ rows }) => ({ title, rows })))
  let [y, body] = [TOP, '']
  for (let i = 0; i < drawn.length; i += 2) {
    const pair = drawn.slice(i, i + 2)
    body += pair.map((one, side) => panel(one, (side * WIDTH) / 2, y)).join('')
    y += HEAD + ROW * Math.max(...pair.map(({ rows }) => rows.length)) + 14
  }
  const spoken = drawn.map(({ title, rows }) => `${title}: ${rows.map(({ name, median }) => `${name} ${median.toFixed(0)}`).join(', ')}`).join('. ')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Nanoseconds a check in Node. ${spoken}.">
  <style>${STYLE}</style>
  <text class="title" x="12" y="24">Nanoseconds a check in Node, less is better</text>
  <text class="note" x="12" y="44">tidegate decides two limits together and reports on both; the others decide one, but for the union</text>
  <text class="note" x="12" y="61">${machine.cpu}, Node ${machine.node}, ${machine.date} · medians of ${rounds} interleaved rounds</text>${body}
</svg>
`
}
