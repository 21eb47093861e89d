import { configDefaults, defineConfig } from "vitest/config";

/** Suites that need more than Node and a few seconds; `vitest run --mode <name>` runs one of them. */
const optIn = ["slow", "pg", "browser"];

const filesOf = (suite: string): string => `test/**/*.${suite}.test.ts`;

export default defineConfig(({ mode }) => {
  const isOptIn = optIn.includes(mode);
  return {
    test: {
      include: [isOptIn ? filesOf(mode) : "test/**/*.test.ts"],
      exclude: [...configDefaults.exclude, "test/types/**", ...(isOptIn ? [] : optIn.map(filesOf))],
      pool: "forks",
      maxWorkers: 2,
      testTimeout: isOptIn ? 120_000 : 20_000,
      hookTimeout: isOptIn ? 120_000 : 20_000,
      // What a test waits for takes as long as it takes on a busy machine; the test's own limit bounds it.
      expect: { poll: { timeout: 15_000 } },
    },
  };
});
