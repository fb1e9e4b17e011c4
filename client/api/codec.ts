// codec.ts: decodes payloads for the Temporal UI and CLI, in the browser of somebody who may see them. Temporal itself
// keeps only what is encrypted. CORS is open to the UI's origin alone.
import type { Payload } from '@temporalio/common';
import type { FastifyPluginAsync } from 'fastify';
import { type CodecKeys, EncryptionCodec } from '../../formats/payload-codec.ts';

type JsonPayload = { metadata?: Record<string, string>; data?: string };

/** POST /codec/encode and /codec/decode, as the UI's codec endpoint expects them. `origin`: where the UI is served from. */
export function codecRoutes(keys: CodecKeys, origin: string | undefined): FastifyPluginAsync {
  const codec = new EncryptionCodec(keys);
  return async server => {
    server.addHook('onRequest', async (request, reply) => {
      if (origin && request.headers.origin === origin) {
        reply.header('access-control-allow-origin', origin);
        reply.header('access-control-allow-methods', 'POST, OPTIONS');
        reply.header('access-control-allow-headers', 'content-type, x-namespace, authorization');
        reply.header('access-control-allow-credentials', 'true');
        reply.header('vary', 'Origin');
      }
    });
    server.options('/codec/*', async (_request, reply) => reply.code(204).send());
    for (const name of ['encode', 'decode'] as const) {
      server.post<{ Body: { payloads?: JsonPayload[] } }>(`/codec/${name}`, async request => {
        const payloads = (request.body?.payloads ?? []).map(fromJson);
        return { payloads: (await codec[name](payloads)).map(toJson) };
      });
    }
  };
}

function fromJson(payload: JsonPayload): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(payload.metadata ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')])),
    data: Buffer.from(payload.data ?? '', 'base64'),
  };
}

function toJson(payload: Payload): JsonPayload {
  return {
    metadata: Object.fromEntries(
      Object.entries(payload.metadata ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(payload.data ?? new Uint8Array()).toString('base64'),
  };
}
