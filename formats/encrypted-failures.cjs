// encrypted-failures.cjs: failure messages and stacks may hold customer data, so they go through the codec like payloads.
// CommonJS, because the SDK loads it with require() and bundles it into the workflow sandbox.
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
