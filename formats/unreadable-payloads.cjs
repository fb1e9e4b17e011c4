// unreadable-payloads.cjs: inside a workflow, a payload nobody can read becomes { unreadable } instead of an error. Anybody
// who reaches the namespace can signal such a thing, and an error there would stop the case for ever. Activities and
// clients stay strict. CommonJS, because the SDK bundles it into the workflow sandbox.
const {
  CompositePayloadConverter,
  BinaryPayloadConverter,
  JsonPayloadConverter,
  UndefinedPayloadConverter,
} = require('@temporalio/common');

class PatientConverter extends CompositePayloadConverter {
  fromPayload(payload) {
    try {
      return super.fromPayload(payload);
    } catch (error) {
      return { unreadable: String(error) };
    }
  }
}

exports.payloadConverter = new PatientConverter(new UndefinedPayloadConverter(), new BinaryPayloadConverter(), new JsonPayloadConverter());
