// connection.ts: how clients reach Temporal: profiles and TLS by @temporalio/envconfig, payloads through the codec.
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { type CodecKeys, dataConverter } from '../formats/payload-codec.ts';

export type TemporalSettings = {
  readonly address?: string | undefined;
  readonly namespace?: string | undefined;
  readonly codecKeys?: CodecKeys | undefined;
};

/** Connects; the caller closes `client.connection`. Explicit settings win over profiles. */
export async function connectClient(settings: TemporalSettings): Promise<Client> {
  const config = loadClientConnectConfig();
  const connection = await Connection.connect({ ...config.connectionOptions, ...(settings.address ? { address: settings.address } : {}) });
  return new Client({
    connection,
    namespace: settings.namespace ?? config.namespace ?? 'default',
    dataConverter: dataConverter(settings.codecKeys ?? []),
  });
}
