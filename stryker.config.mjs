// Changes the rules on purpose, one small change at a time, and sees whether a test notices. Run by name: npm run mutate.
export default {
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules'],
  coverageAnalysis: 'perTest',
  mutate: ['domain/plan.ts', 'domain/gate.ts', 'domain/calendar.ts', 'domain/money.ts'],
  jest: { projectType: 'custom', configFile: 'jest.mutation.config.mjs', enableFindRelatedTests: true },
  reporters: ['clear-text', 'json', 'progress'],
  jsonReporter: { fileName: 'reports/mutation.json' },
  thresholds: { high: 95, low: 85, break: 85 },
  // A change of a constant is seen only by a fresh process, which costs more than all others together.
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 10_000,
  tempDirName: '.stryker-tmp',
  ignorePatterns: ['.dunlin', 'reports', 'coverage', 'dist', 'local', 'docs', 'deploy'],
};
