// index.ts: the workflow bundle's entry. What is exported here is what a worker can run.
export { dunning } from './dunning.ts';
export { intake } from './intake.ts';
