// payload-codec.ts: payloads leave the process encrypted (AES-256-GCM, key id beside the bytes), so that Temporal's database and
// its operators see no customer data. Without keys it does not exist; keys rotate by adding one in front.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import temporalProto from '@temporalio/proto';

const { temporal } = temporalProto;
const encoding = 'binary/encrypted';
const text = new TextEncoder();
const plain = new TextDecoder();

/** Key id to 32-byte key; the first one encrypts. */
export type CodecKeys = readonly { readonly id: string; readonly key: Uint8Array }[];

export class EncryptionCodec implements PayloadCodec {
  private readonly keys: CodecKeys;

  constructor(keys: CodecKeys) {
    if (keys.length === 0) throw new Error('expected at least one codec key');
    this.keys = keys;
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const first = this.keys[0];
    if (!first) return payloads;
    return payloads.map(payload => {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', first.key, iv);
      cipher.setAAD(text.encode(first.id));
      const sealed = Buffer.concat([cipher.update(temporal.api.common.v1.Payload.encode(payload).finish()), cipher.final()]);
      return {
        metadata: { encoding: text.encode(encoding), 'encryption-key-id': text.encode(first.id) },
        data: Buffer.concat([iv, cipher.getAuthTag(), sealed]),
      };
    });
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map(payload => {
      if (!payload.metadata?.encoding || plain.decode(payload.metadata.encoding) !== encoding || !payload.data) return payload;
      const id = plain.decode(payload.metadata['encryption-key-id'] ?? new Uint8Array());
      const found = this.keys.find(candidate => candidate.id === id);
      if (!found)
        throw new Error(
          `a payload is encrypted with key "${id}", expected one of ${this.keys.map(key => key.id).join(', ')}; add it to DUNLIN_CODEC_KEYS`,
        );
      return opened(payload, id, found.key);
    });
  }
}

/**
 * What was sealed. A payload that this key did not seal stays as it is: whoever reads it says that he cannot, and a case
 * that is sent one goes on (a missing key, which can be added, is an error instead).
 */
function opened(payload: Payload, id: string, key: Uint8Array): Payload {
  const data = payload.data ?? new Uint8Array();
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, 12));
    decipher.setAAD(text.encode(id));
    decipher.setAuthTag(data.subarray(12, 28));
    return temporal.api.common.v1.Payload.decode(Buffer.concat([decipher.update(data.subarray(28)), decipher.final()]));
  } catch {
    return payload;
  }
}

/** The converter of every client and worker. With keys, failure messages and stacks are encrypted too. */
export function dataConverter(keys: CodecKeys): DataConverter {
  if (keys.length === 0) return {};
  return {
    payloadCodecs: [new EncryptionCodec(keys)],
    failureConverterPath: fileURLToPath(new URL('./encrypted-failures.cjs', import.meta.url)),
  };
}
