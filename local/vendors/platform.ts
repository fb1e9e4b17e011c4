// platform.ts: a stand-in for the platform: its token service, its JSON:API gateway and its CRM on one port. Everything it
// accepts is witnessed; nothing has an idempotency key but the CRM's external ids [1P] 2.4.2, 2.6.
import { adminRoutes, bodyOf, openFrame, type StandIn, type StandInOptions } from './frame.ts';
import { json, listen, type Answer, type Call } from './http.ts';
import { platformClaims, platformFaults } from './platform/claims.ts';
import { Crm } from './platform/crm.ts';
import { Resources } from './platform/resources.ts';
import { TokenService } from './platform/sso.ts';

export type PlatformOptions = StandInOptions & { readonly partnerId?: string };

/** Starts the platform of one partner ("ABC1"). The service account's key file is DIR/service-account.json. */
export async function startPlatform(options: PlatformOptions): Promise<StandIn & { readonly keyFile: string }> {
  const frame = openFrame('platform', platformFaults, platformClaims, options);
  const sso = new TokenService(frame);
  const crm = new Crm(frame, sso);
  const resources = new Resources(frame, sso, options.partnerId ?? 'ABC1');
  let url = '';
  const vendor = async (call: Call): Promise<Answer | null> => {
    if (call.method === 'POST' && call.path === '/oauth2/token') return sso.token(call);
    if (call.method === 'GET' && call.path === '/oauth2/user-info') return sso.userInfo(call);
    if (call.path.startsWith('/org/')) return crm.answer(call);
    return resources.answer(call, url);
  };
  const admin = adminRoutes(frame, {
    routes: {
      'PUT /admin/book': call => json({ accounts: resources.know(bodyOf(call)).accounts.length }),
      'POST /admin/rotate-key': call =>
        json({ kid: sso.rotate((bodyOf(call) as { retireOld?: boolean }).retireOld === true), keyFile: sso.keyFile }),
    },
    forget: () => {
      crm.records.clear();
      resources.know({ partnerId: options.partnerId ?? 'ABC1' });
      sso.clear();
    },
  });
  const facts = (call: Omit<Call, 'struck'>): Record<string, string> => {
    const externalId = /"id"\s*:\s*"external_id"\s*,\s*"value"\s*:\s*"([^"]*)"/.exec(call.raw.toString('utf8'))?.[1] ?? '';
    return { method: call.method, path: call.path, cursor: call.query.get('page[cursor]') ?? '', externalId };
  };
  const { port, close } = await listen({ admin, vendor, faults: frame.faults, facts }, options.port ?? 0, frame.host);
  url = `http://${frame.host}:${port}`;
  sso.open(url);
  return {
    name: 'platform',
    port,
    url,
    adminUrl: `${url}/admin`,
    keyFile: sso.keyFile,
    close: async () => {
      frame.deliveries.stop();
      await close();
    },
  };
}
