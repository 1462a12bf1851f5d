// Finds the native half: beside this package where it was built, else in the package for this
// platform, which npm has installed since it is an optional dependency.

type Native = typeof import('../native.js')

const { platform, arch } = process
// Of the two C libraries of Linux one is installed; the other's package is not there, or does not load.
const systems = platform === 'linux' ? [`linux-${arch}-gnu`, `linux-${arch}-musl`] : [`${platform}-${arch}`]

function load(): Native {
  const faults: unknown[] = []
  for (const system of systems) {
    for (const file of [`../tidegate.${system}.node`, `@tidegate/node-${system}`]) {
      try {
        return require(file) as Native
      } catch (fault) {
        faults.push(fault)
      }
    }
  }
  const reasons = faults.map((fault) => `  ${String(fault).split('\n')[0]}`)
  throw new Error(
    `tidegate has no native half for ${platform}-${arch} here. Was it installed with --no-optional, or on another platform?\n${reasons.join('\n')}`,
  )
}

export const native = load()
