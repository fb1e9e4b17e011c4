// The tests of the rules alone: what Stryker runs against each change. Random stories stay out: they would notice many a
// change by luck, and cost a quarter of a minute each time.
import base from './jest.config.mjs';

export default {
  ...base,
  testMatch: ['<rootDir>/test/domain/**/*.test.ts'],
  testPathIgnorePatterns: ['properties'],
  globalTeardown: undefined,
};
