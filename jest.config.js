// Tests run on what `tsc -b` built: what is tested is what ships, and worker threads load the same files.
export default {
  testEnvironment: "./test/ort-environment.mjs",
  testMatch: ["<rootDir>/packages/*/dist/**/*.test.js", "<rootDir>/examples/*/dist/**/*.test.js", "<rootDir>/test/**/*.test.mjs"],
  transform: {},
  setupFiles: ["./test/property-seed.mjs", "./test/cache.mjs"],
  modulePathIgnorePatterns: ["<rootDir>/bench/"],
  maxWorkers: 2,
  testTimeout: 120_000, // a bound for hangs: machines are shared, and no test asserts a time
};
