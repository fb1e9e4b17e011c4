// Tests run as ES modules on the source; `./dunlin test` passes --experimental-vm-modules.
export default {
  testEnvironment: 'node',
  globalTeardown: '<rootDir>/test/support/end-of-run.mjs',
  // Nothing is timed here: a slow machine may take its time, a hang still ends.
  testTimeout: 120_000,
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } }],
  },
  modulePathIgnorePatterns: ['<rootDir>/.stryker-tmp', '<rootDir>/.dunlin', '<rootDir>/dist'],
  collectCoverageFrom: ['domain/**/*.ts'],
  coverageProvider: 'v8',
};
