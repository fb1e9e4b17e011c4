// kixie.ts: a stand-in for Kixie, faithful to what is documented and hostile where it is not. RPC over HTTP: one endpoint, the
// operation is a string in the body; nothing can be read back but an agent's status [1P] 1.1.
import { z } from 'zod';
import { adminRoutes, bodyOf, openFrame, type Frame, type StandIn, type StandInOptions } from './frame.ts';
import { json, jsonOrNull, listen, type Answer, type Call } from './http.ts';
import { kixieClaims, kixieFaults } from './kixie/claims.ts';
import { Exchange } from './kixie/exchange.ts';
import { dialled, powerListUpdate, PowerLists } from './kixie/powerlists.ts';
import { Webhooks } from './kixie/webhooks.ts';

export type KixieOptions = StandInOptions & { readonly apiKey?: string; readonly businessId?: string };

const settings = z.strictObject({
  quotaPerDay: z.number().int().min(0).optional(),
  /** Empty: every agent is logged in. */
  agents: z
    .array(z.strictObject({ email: z.string(), registered: z.boolean().default(true), onCall: z.boolean().default(false) }))
    .optional(),
});
const dialWish = z.strictObject({ powerlistId: z.string(), agent: z.string(), limit: z.number().int().min(1).default(1000) });

/** Starts a Kixie that knows `apiKey` ("kixie-local-key") and `businessId` ("12345"). */
export async function startKixie(options: KixieOptions): Promise<StandIn> {
  const frame = openFrame('kixie', kixieFaults, kixieClaims, options);
  const kixie = new Kixie(frame, options.apiKey ?? 'kixie-local-key', options.businessId ?? '12345');
  const admin = adminRoutes(frame, {
    routes: {
      'PUT /admin/behaviour': call => {
        kixie.exchange.behave(bodyOf(call));
        return json({ ok: true });
      },
      'PUT /admin/settings': call => {
        kixie.set(settings.parse(bodyOf(call)));
        return json({ ok: true });
      },
      'POST /admin/dial': call => json({ scheduled: kixie.dial(dialWish.parse(bodyOf(call))) }),
      'GET /admin/powerlists': () => json({ powerlists: kixie.lists.all() }),
      'GET /admin/quota': () => json(kixie.quota()),
    },
    forget: () => kixie.clear(),
  });
  const facts = (call: Omit<Call, 'struck'>): Record<string, string> => {
    const { eventname, target, email, action } = textFields(jsonOrNull(call.raw.toString('utf8')));
    const agent = email ?? call.query.get('email') ?? '';
    return { path: call.path, event: eventname ?? '', target: target ?? '', action: action ?? '', agent };
  };
  const { port, close } = await listen(
    { admin, vendor: call => kixie.answer(call), faults: frame.faults, facts },
    options.port ?? 0,
    frame.host,
  );
  const url = `http://${frame.host}:${port}`;
  return {
    name: 'kixie',
    port,
    url,
    adminUrl: `${url}/admin`,
    close: async () => {
      frame.deliveries.stop();
      await close();
    },
  };
}

type Body = Readonly<Record<string, unknown>>;
const success = { success: true };
const refused = (error: string, status = 200): Answer => json({ success: false, error }, status);

class Kixie {
  readonly lists = new PowerLists();
  readonly exchange: Exchange;
  private readonly frame: Frame<typeof kixieClaims>;
  private readonly apiKey: string;
  private readonly businessId: string;
  private readonly webhooks: Webhooks;
  private agents: { email: string; registered: boolean; onCall: boolean }[] = [];
  private quotaPerDay = 10_000; // [1P] 1.3
  private used = { day: '', calls: 0 };

  constructor(frame: Frame<typeof kixieClaims>, apiKey: string, businessId: string) {
    this.frame = frame;
    this.apiKey = apiKey;
    this.businessId = businessId;
    this.webhooks = new Webhooks(frame);
    this.exchange = new Exchange(frame, { lists: this.lists, webhooks: this.webhooks, apiKey });
  }

  answer(call: Call): Answer | null {
    const body = (jsonOrNull(call.raw.toString('utf8')) ?? {}) as Body;
    if (!this.knows(call, body)) return refused('invalid apikey or businessid', this.frame.claims.holds('bad_key_is_401') ? 401 : 200);
    if (!this.withinQuota() || call.struck.has('quota_exhausted')) {
      return refused('daily API limit reached', this.frame.claims.holds('quota_is_429') ? 429 : 200);
    }
    const rejection = call.struck.get('refused');
    if (rejection !== undefined) return refused(rejection || 'request refused');
    const answered = this.route(call, body);
    return answered && call.struck.has('text_body') && answered.status === 200
      ? { status: 200, headers: { 'content-type': 'text/plain' }, body: 'OK' }
      : answered;
  }

  private route(call: Call, body: Body): Answer | null {
    const webhookCall = typeof body['call'] === 'string' ? body['call'] : '';
    switch (`${call.method} ${call.path}`) {
      case 'POST /app/event':
        return this.event(call, body);
      case 'GET /www/agent/status':
        return this.agentStatus(call.query.get('email') ?? '', call);
      case 'POST /app/v1/api/postwebhook':
        if (!this.frame.claims.holds('lower_case_path')) return refused('function does not exist');
        return this.webhooks.handle(webhookCall, body);
      case 'POST /app/v1/api/postWebhook':
      case 'POST /app/v1/api/getWebhooks':
      case 'POST /app/v1/api/deleteWebhooks':
        return this.webhooks.handle(webhookCall, body);
      case 'POST /app/legacy/flushUserQueue': // [1P] 1.2.4
        this.frame.witness.accept({ kind: 'flushUserQueue', businessKey: null, agent: textFields(body).email ?? '' });
        return this.fine();
      default:
        return null;
    }
  }

  /** The seven operations of 1.1; the key is checked already. */
  private event(call: Call, body: Body): Answer {
    const { eventname = '', target = '', email: agent = '', action = '', message = '', displayname = '' } = textFields(body);
    const phone = dialled(target);
    const accept = (what: Record<string, unknown>, businessKey: string | null = null): Answer => {
      this.frame.witness.accept({ kind: eventname, businessKey, target: phone, agent, ...what });
      return this.fine();
    };
    switch (eventname) {
      case 'call': {
        if (phone.length < 8 || agent === '') return refused('target and email are required');
        const offline = !this.isRegistered(agent) || call.struck.has('agent_offline');
        if (offline && this.frame.claims.holds('offline_agent_refuses_call')) return refused('agent not logged in');
        if (this.exchange.isBusy(agent) || call.struck.has('agent_on_call')) return refused('agent on a call');
        const placed = this.exchange.place({ phone, agent, at: this.frame.clock.now(), businessId: this.businessId, powerlistId: '' });
        return accept({ displayname, callId: placed.uuid }, displayname === '' ? null : displayname);
      }
      case 'sms':
      case 'bizsms': {
        if (phone.length < 8 || message === '') return refused('target and message are required');
        this.exchange.text({ phone, agent, message, businessId: this.businessId });
        return accept({ message });
      }
      case 'queue':
      case 'cadence':
        return accept({ action });
      case 'updatepowerlist': {
        const read = powerListUpdate.safeParse(body);
        if (!read.success) return refused(z.prettifyError(read.error));
        const did = this.lists.update(read.data, this.frame.claims.holds('overwrite_is_usual') ? 'overwrite' : 'merge');
        const key = read.data.extraData?.['caseId'];
        return accept(
          { powerlistId: read.data.powerlistId, did, contactId: read.data.crmContactId ?? null },
          typeof key === 'string' ? key : null,
        );
      }
      case 'removefrompowerlist':
        return this.removal(body, action, accept);
      default:
        return refused('function does not exist', this.frame.claims.holds('rejection_is_200') ? 200 : 400);
    }
  }

  private removal(body: Body, action: string, accept: (what: Record<string, unknown>) => Answer): Answer {
    const everywhere = action === 'removefromallpowerlists';
    if (!everywhere && action !== 'removefrompowerlist') return refused('unknown action');
    const { target, powerlistId = null } = { powerlistId: textFields(body).powerlistId, target: body['target'] };
    if (Array.isArray(target) && !this.frame.claims.holds('remove_takes_a_list')) return refused('target is required');
    const numbers = (Array.isArray(target) ? target : [target]).filter(each => typeof each === 'string' && each !== '') as string[];
    if (numbers.length === 0 || (!everywhere && powerlistId === null)) return refused('target and powerlistId are required');
    const removed = numbers.reduce((sum, number) => sum + this.lists.remove(number, everywhere ? null : powerlistId), 0);
    return accept({ action, powerlistId, removed, targets: numbers.map(dialled) });
  }

  /** 0/1 integers; success:false is a business outcome, not an error [1P*] 1.2.5. */
  private agentStatus(agent: string, call: Call): Answer {
    if (call.struck.has('agent_offline') || !this.isRegistered(agent)) {
      const offline = { success: true, result: { onCall: 0, registered: 0, device: '' } };
      return json(this.frame.claims.holds('status_false_is_offline') ? { success: false } : offline);
    }
    const known = this.agents.find(each => each.email === agent);
    const onCall = call.struck.has('agent_on_call') || known?.onCall || this.exchange.isBusy(agent);
    return json({ success: true, result: { onCall: onCall ? 1 : 0, registered: 1, device: 'chrome-extension' } });
  }

  private isRegistered(agent: string): boolean {
    return this.agents.length === 0 ? agent !== '' : this.agents.some(each => each.email === agent && each.registered);
  }

  /** Query and body both [UNVERIFIED] 1.1; the status call has only a query, where the key is spelled apiKey [1P*] 1.2.5. */
  private knows(call: Call, body: Body): boolean {
    if (call.method === 'GET') return call.query.get('apiKey') === this.apiKey;
    const { apikey, businessid } = textFields(body);
    const inBody = apikey === this.apiKey && businessid === this.businessId;
    const inQuery = call.query.get('apikey') === this.apiKey && call.query.get('businessid') === this.businessId;
    // the webhook articles show the key in the body only [1P] 1.2.6
    if (call.path.startsWith('/app/v1/')) return inBody;
    return this.frame.claims.holds('key_in_query_and_body') ? inBody && inQuery : inBody || inQuery;
  }

  private withinQuota(): boolean {
    const day = new Date(this.frame.clock.now()).toISOString().slice(0, 10);
    this.used = { day, calls: this.used.day === day ? this.used.calls + 1 : 1 };
    return this.used.calls <= this.quotaPerDay;
  }

  private fine(): Answer {
    return this.frame.claims.holds('success_is_json')
      ? json(success)
      : { status: 200, headers: { 'content-type': 'text/plain' }, body: 'OK' };
  }

  quota(): object {
    return { ...this.used, perDay: this.quotaPerDay };
  }

  set({ quotaPerDay, agents }: z.output<typeof settings>): void {
    this.quotaPerDay = quotaPerDay ?? this.quotaPerDay;
    this.agents = agents ?? this.agents;
  }

  dial(wish: z.output<typeof dialWish>): number {
    return this.exchange.dial({ ...wish, businessId: this.businessId });
  }

  clear(): void {
    this.lists.clear();
    this.exchange.clear();
    this.webhooks.clear();
    this.agents = [];
    this.quotaPerDay = 10_000;
    this.used = { day: '', calls: 0 };
  }
}

/** The fields of a body that are text or numbers, as text: Kixie takes and sends both. */
function textFields(body: unknown): Readonly<Record<string, string | undefined>> {
  if (typeof body !== 'object' || body === null) return {};
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
    ),
  );
}
