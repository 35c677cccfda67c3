/** Versions of what a runtime is composed of; a test holds them to the manifests. */

export const VERSIONS: Readonly<Record<string, string>> = Object.freeze({
  '@ice/capabilities': '0.1.0',
  '@ice/effects': '0.1.0',
  '@ice/events': '0.1.0',
  '@ice/events-sqlite': '0.1.0',
  '@ice/primitives': '0.1.0',
  '@ice/runs': '0.1.0',
  '@ice/runtime': '0.1.0',
})
