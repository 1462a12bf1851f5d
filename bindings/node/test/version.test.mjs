import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { version } from 'tidegate'

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('one version: of the workspace, the native half, the package and its lock', () => {
  const { packages, ...lock } = JSON.parse(read('../package-lock.json'))
  const [, workspace] = read('../../../Cargo.toml').match(/^version = "(.*)"$/m)
  const all = [version, JSON.parse(read('../package.json')).version, lock.version, packages[''].version]
  assert.deepEqual(all, all.map(() => workspace))
})
