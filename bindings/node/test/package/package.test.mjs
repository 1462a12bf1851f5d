// The package as npm installs it: packed, and installed into an empty project of each kind.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tidegate-package-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const run = (command, ...args) => execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

before(() => {
  const tarballs = execFileSync(process.execPath, [join(root, 'scripts/pack.mjs'), join(folder, 'tarballs')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim().split('\n')
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  // Without a network: neither this package nor those of other platforms need be published.
  run('npm', 'install', '--offline', '--ignore-scripts', '--silent', ...tarballs)
})

const use = `
const limiter = new Limiter('2/minute')
const decisions = ['a', Buffer.from('a'), 'a'].map((key) => limiter.check(key).allowed)
console.log(JSON.stringify([version, decisions]))`

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const expected = `${JSON.stringify([version, [true, true, false]])}\n`

test('as an ES module', () => {
  writeFileSync(join(folder, 'esm.mjs'), `import { Limiter, version } from 'tidegate'${use}`)
  assert.equal(run(process.execPath, 'esm.mjs'), expected)
})

test('as CommonJS', () => {
  writeFileSync(join(folder, 'cjs.cjs'), `const { Limiter, version } = require('tidegate')${use}`)
  assert.equal(run(process.execPath, 'cjs.cjs'), expected)
})

test('from TypeScript: every entry, as both, with nothing of ours left unchecked', () => {
  // The frameworks, as they are here.
  const theirs = join(root, 'node_modules')
  const have = new Set(readdirSync(join(folder, 'node_modules')))
  for (const name of readdirSync(theirs)) if (!have.has(name)) symlinkSync(join(theirs, name), join(folder, 'node_modules', name))
  const entries = readdirSync(join(root, 'test/types')).filter((name) => name.endsWith('.ts')).map((name) => name.slice(0, -3))
  const { exports } = JSON.parse(readFileSync(join(folder, 'node_modules/tidegate/package.json'), 'utf8'))
  const all = Object.keys(exports).filter((path) => !path.endsWith('.json')).map((path) => path.slice(2) || 'core')
  assert.deepEqual(entries.sort(), all.sort())

  for (const name of entries) for (const type of ['mts', 'cts']) cpSync(join(root, `test/types/${name}.ts`), join(folder, `${name}.${type}`))
  const files = entries.flatMap((name) => [`${name}.mts`, `${name}.cts`])
  const compilerOptions = { module: 'nodenext', target: 'es2022', lib: ['es2023', 'esnext.disposable'], strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, types: ['node'], noEmit: true, preserveSymlinks: true }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], { cwd: folder, encoding: 'utf8' })
  // What is wrong in the types of others is theirs.
  const wrong = stdout.split('\n').filter((line) => line !== '' && !/^ |^node_modules\/(?!@?tidegate)/.test(line))
  assert.deepEqual(wrong, [])
})

test('it runs no script when it is installed, and depends on its platforms alone', () => {
  const installed = JSON.parse(readFileSync(join(folder, 'node_modules/tidegate/package.json'), 'utf8'))
  assert.equal(installed.scripts, undefined)
  assert.equal(installed.dependencies, undefined)
  assert.equal(installed.engines.node, '>=20')
  assert.equal(Object.keys(installed.optionalDependencies).length, 6)
  assert.ok(Object.values(installed.optionalDependencies).every((wanted) => wanted === version))
})

test('what it leads to is there', () => {
  const installed = join(folder, 'node_modules/tidegate')
  const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
  for (const path of Object.values(exports)) assert.ok(existsSync(join(installed, path)), path)
  assert.deepEqual(readdirSync(installed).sort(), ['README.md', 'dist', 'native.d.ts', 'package.json'])
})

test('without its native half it says what is missing', () => {
  rmSync(join(folder, 'node_modules/@tidegate'), { recursive: true })
  assert.throws(() => run(process.execPath, 'cjs.cjs'), (error) => {
    assert.match(error.stderr, /tidegate has no native half for \w+-\w+ here/)
    return true
  })
})
