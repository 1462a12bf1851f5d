// The platforms that there is a package for, by the names that ts/native.ts looks for.

const linux = (cpu, libc) => ({ name: `linux-${cpu}-${libc}`, os: ['linux'], cpu: [cpu], libc: [libc === 'gnu' ? 'glibc' : 'musl'] })
const darwin = (cpu) => ({ name: `darwin-${cpu}`, os: ['darwin'], cpu: [cpu] })

export const platforms = [
  linux('x64', 'gnu'), linux('arm64', 'gnu'), linux('x64', 'musl'), linux('arm64', 'musl'), darwin('x64'), darwin('arm64'),
]

/** The file with the native half for a platform. */
export const library = (name) => `tidegate.${name}.node`

/** The platform that this runs on. */
export function current() {
  const { platform, arch } = process
  if (platform !== 'linux') return `${platform}-${arch}`
  process.report.excludeNetwork = true // asking for the network may take seconds
  return `linux-${arch}-${process.report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl'}`
}
