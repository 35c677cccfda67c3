import { defineConfig } from 'vitest/config'

/** Where tests live. A package's tests see its own `src`, and what its siblings built. */
const folders = ['packages/*/test', 'apps/*/test', 'tooling/test']

/** The kinds of test, told apart by suffix; what has none of these suffixes is a unit test. */
const kinds = {
  contract: { timeoutMs: 30_000 },
  int: { timeoutMs: 120_000 },
  sim: { timeoutMs: 120_000 },
} as const

/** Tests reach the tooling by name, as `tsconfig.test.json` has it too. */
const resolve = {
  alias: [
    { find: /^@ice\/tooling\/(.*)$/, replacement: `${import.meta.dirname}/tooling/src/$1.ts` },
  ],
}

const named = Object.entries(kinds).map(([kind, { timeoutMs }]) => ({
  resolve,
  test: {
    name: kind,
    include: folders.map((folder) => `${folder}/**/*.${kind}.test.ts`),
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
  },
}))

const unit = {
  resolve,
  test: {
    name: 'unit',
    // Ends a test that will never pass; how fast a test is, is nobody's pass or fail.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    include: folders.map((folder) => `${folder}/**/*.test.ts`),
    exclude: ['**/node_modules/**', ...Object.keys(kinds).map((kind) => `**/*.${kind}.test.ts`)],
  },
}

export default defineConfig({
  test: {
    projects: [unit, ...named],
    coverage: { provider: 'v8', include: ['packages/*/src/**', 'apps/*/src/**'] },
  },
})
