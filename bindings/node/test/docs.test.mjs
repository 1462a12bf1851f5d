// What docs/node.md and README.md show runs, and says what they say that it says.
//
// A block is a program. What follows `// ` after a console.log is what it prints, `…` for anything. A server,
// wherever it would listen, answers until its quota is used up, and then 429.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const segments = mkdtempSync(join(tmpdir(), 'tidegate-docs-'))
// Within the package, so that they find it and the frameworks.
mkdirSync(join(root, 'test/tmp'), { recursive: true })
const folder = mkdtempSync(join(root, 'test/tmp/docs-'))
after(() => {
  for (const each of [segments, folder]) rmSync(each, { recursive: true, force: true })
})

const run = (...args) => spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 })

/** A TypeScript block needs its decorators compiled. */
function compiled(name, text) {
  writeFileSync(join(folder, `${name}.mts`), text)
  const options = ['--module', 'nodenext', '--target', 'es2022', '--experimentalDecorators', '--skipLibCheck', '--types', 'node']
  const { status, stdout } = run(join(root, 'node_modules/typescript/bin/tsc'), ...options, `${name}.mts`)
  assert.equal(status, 0, stdout)
}

/** All that is printed, where `…` stands for anything. */
function pattern(lines) {
  const parts = lines.map((line) => line.split('…').map((part) => part.replace(/[^\w ]/g, '\\$&')).join('[^]*'))
  return new RegExp(`^${parts.join('\\n')}\n?$`)
}

for (const file of ['docs/node.md', 'bindings/node/README.md']) {
  const text = readFileSync(join(root, '../..', file), 'utf8')
  const blocks = [...text.matchAll(/^```(js|ts)\n(.*?)^```$/gms)]
  test(`${file} has programs`, () => assert.ok(blocks.length >= 3))

  for (const [i, { 1: language, 2: code, index }] of blocks.entries()) {
    const line = text.slice(0, index).split('\n').length
    test(`${file}:${line} runs`, () => {
      // Each has files of its own, as if it were alone on the machine.
      const name = `${language}-${i}`
      const program = code.replaceAll('/dev/shm/', `${segments}/${i}-`)
      if (language === 'ts') compiled(name, program)
      else writeFileSync(join(folder, `${name}.mjs`), program)
      const prelude = new URL('fixtures/ask-server.mjs', import.meta.url).href
      const { status, stdout, stderr } = run('--import', prelude, `${name}.mjs`)
      assert.deepEqual([status, stderr], [0, ''])
      const said = [...code.matchAll(/console\.log\(.*\) *\/\/ (.*)$/gm)].map((found) => found[1])
      const wanted = /listen\(|serve\(/.test(code) ? ['429 after an admission'] : said
      assert.match(stdout, pattern(wanted))
    })
  }
}
