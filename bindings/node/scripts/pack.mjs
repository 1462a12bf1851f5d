// Packs what is published: this package, and one for each platform whose native half is here.
//
//   node scripts/pack.mjs FOLDER     prints the tarballs
//
// The packages of the platforms are optional dependencies of the published package, so that npm installs
// the one that fits and nothing is downloaded by a script. package.json here does without them: `npm ci`
// would look for what is not published yet.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { library, platforms } from './platforms.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const npm = join(root, 'npm')
const folder = resolve(process.argv[2] ?? npm)
const { devDependencies, scripts, ...manifest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** A folder with a package.json and these files of ours. */
function stage(name, contents, files) {
  const place = join(npm, name)
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'package.json'), `${JSON.stringify(contents, null, 2)}\n`)
  for (const file of files) cpSync(join(root, file), join(place, file), { recursive: true })
  return place
}

function pack(place) {
  const args = ['pack', '--silent', '--pack-destination', folder]
  const name = execFileSync('npm', args, { cwd: place, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return join(folder, name.trim())
}

const packageOf = ({ name }) => `@tidegate/node-${name}`

/** The package of a platform: its native half, and nothing else. */
function stagePlatform(platform) {
  const { version, license, author, engines } = manifest
  const { name, ...where } = platform
  const description = `The native half of tidegate for ${name}`
  const main = library(name)
  return stage(name, { name: packageOf(platform), version, description, license, author, main, files: [main], engines, ...where }, [main])
}

function stageMain() {
  const optionalDependencies = Object.fromEntries(platforms.map((platform) => [packageOf(platform), manifest.version]))
  return stage('tidegate', { ...manifest, optionalDependencies }, manifest.files)
}

rmSync(npm, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const here = platforms.filter(({ name }) => existsSync(join(root, library(name))))
for (const place of [stageMain(), ...here.map(stagePlatform)]) console.log(pack(place))
