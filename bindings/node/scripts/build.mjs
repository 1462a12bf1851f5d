// Builds the native half for this machine, and writes native.d.ts: what it declares.
//
// napi-derive writes each declaration, as JSON, to the folder that NAPI_TYPE_DEF_TMP_FOLDER names when it
// compiles the function. (@napi-rs/cli does what this does and much more; its hundred packages are left
// out for these lines.)

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { current, library } from './platforms.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const cargo = (args, env) =>
  execFileSync(process.env.CARGO ?? 'cargo', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26, env: { ...process.env, ...env } })

const target = JSON.parse(cargo(['metadata', '--format-version=1', '--no-deps'])).target_directory
const folder = join(target, 'node-types')
const types = join(folder, 'tidegate-node')

/** Compiles, and gives the path of the library. */
function compile() {
  const args = ['build', '--release', '--locked', '--package', 'tidegate-node', '--message-format=json-render-diagnostics']
  const messages = cargo(args, { NAPI_TYPE_DEF_TMP_FOLDER: folder }).trim().split('\n').map((line) => JSON.parse(line))
  const artifact = messages.find(({ reason, target }) => reason === 'compiler-artifact' && target.name === 'tidegate_node')
  return artifact.filenames.find((name) => /\.(so|dylib|dll)$/.test(name))
}

/** What was compiled before has written its declarations then; if they are gone it must be compiled again. */
function compileAnew() {
  const now = new Date()
  utimesSync(join(root, 'src/lib.rs'), now, now)
  return compile()
}

function declaration({ kind, name, js_doc, def }) {
  if (kind === 'interface') return `${js_doc}export interface ${name} {\n${def.replace(/^(?=.)/gm, '  ')}\n}\n`
  return `${js_doc}export declare ${def.replace(/^export /, '')}\n`
}

function declarations() {
  const all = readFileSync(types, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  const unique = [...new Map(all.map((each) => [each.name, each])).values()]
  return unique.sort((a, b) => (a.name < b.name ? -1 : 1)).map(declaration).join('\n')
}

mkdirSync(folder, { recursive: true })
let built = compile()
if (!existsSync(types)) built = compileAnew()
// Removed first: a process that has the old file loaded keeps it.
const place = join(root, library(current()))
rmSync(place, { force: true })
copyFileSync(built, place)
writeFileSync(join(root, 'native.d.ts'), readFileSync(join(root, 'src/handles.d.ts'), 'utf8') + declarations())
