// webhooks.ts: who wants to hear of what, and what happens to a webhook on its way. No signature, no timestamp, no order:
// a static header is all the receiver gets [1P*] 1.5.
import { z } from 'zod';
import type { EpochMs } from '../../../domain/time.ts';
import { post } from '../deliveries.ts';
import type { Frame } from '../frame.ts';
import { json, jsonOrNull, type Answer } from '../http.ts';
import type { kixieClaims } from './claims.ts';

/** The enum of 1.2.6; SMS in capitals. */
const hookEvents = ['endcall', 'startcall', 'answeredcall', 'SMS', 'disposition', 'voicemail', 'scheduledactivity', 'cisummary'] as const;
export type HookEvent = (typeof hookEvents)[number];

const asText = z.union([z.string(), z.number()]).transform(String);
const hook = z.looseObject({
  name: z.string().min(1),
  eventname: z.enum(hookEvents),
  direction: z.enum(['all', 'incoming', 'outgoing']).default('all'),
  callresult: z.enum(['all', 'answered', 'missed']).default('all'),
  disposition: z.string().default('all'),
  location: z.url(),
  // the literal false, or a JSON string of an array [1P] 1.2.6
  headers: z.union([z.literal(false), z.literal('false'), z.string()]).default(false),
  runtime: z.string().default('realtime'),
});
const headerList = z.array(z.strictObject({ name: z.string().regex(/^[A-Za-z0-9-]+$/), value: z.string() }));

type Hook = z.output<typeof hook> & { webhookid: string; sent: Record<string, string> };
const refused = (error: string): Answer => json({ success: false, error });

/** What a webhook tells, and enough about it to filter and to strike. */
export type News = {
  readonly event: HookEvent;
  readonly phone: string;
  readonly agent: string;
  readonly at: EpochMs;
  /** answered or missed, for endcall. */
  readonly result?: 'answered' | 'missed';
  readonly direction?: 'incoming' | 'outgoing';
  readonly payload: (shown: { label: string; location: string; unswapped: boolean }) => object;
};

export class Webhooks {
  private readonly frame: Frame<typeof kixieClaims>;
  private readonly hooks = new Map<string, Hook>();
  private count = 0;

  constructor(frame: Frame<typeof kixieClaims>) {
    this.frame = frame;
  }

  /** The four operations; an unknown `call` answers as Kixie does [3P-LIVE] 1.2.6. */
  handle(call: string, body: Readonly<Record<string, unknown>>): Answer {
    const id = asText.safeParse(body['webhookid']).data ?? '';
    if (call === 'postWebhook') return this.save(String(20_000 + ++this.count), body);
    if (call === 'putWebhook') return this.hooks.has(id) ? this.save(id, { ...this.hooks.get(id), ...body }) : refused('webhook not found');
    if (call === 'getWebhooks') return json({ webhooks: [...this.hooks.values()].map(({ sent: _sent, ...shown }) => shown) });
    if (call === 'removeWebhook' && this.frame.claims.holds('remove_webhook')) {
      return this.hooks.delete(id) ? json({ success: true }) : refused('webhook not found');
    }
    return refused('function does not exist');
  }

  private save(webhookid: string, body: Readonly<Record<string, unknown>>): Answer {
    const read = hook.safeParse(body);
    if (!read.success) return refused(z.prettifyError(read.error));
    const { headers } = read.data;
    const list = headers === false || headers === 'false' ? [] : headerList.safeParse(jsonOrNull(headers)).data;
    if (!list) return refused('headers must be false or a JSON string of an array');
    this.hooks.set(webhookid, { ...read.data, webhookid, sent: Object.fromEntries(list.map(({ name, value }) => [name, value])) });
    return json({ success: true, webhookid });
  }

  /** Puts the news on its way to everyone who wants to hear it. */
  tell(news: News): void {
    for (const each of this.hooks.values()) if (wants(each, news)) this.send(each, news);
  }

  private send(to: Hook, news: News): void {
    const struck = this.frame.faults.strike('webhook', { event: news.event, phone: news.phone, agent: news.agent });
    if (struck.has('webhook_lost')) return;
    const mislabelled = struck.get('webhook_mislabelled');
    const label = mislabelled === undefined ? this.usualLabel(news.event) : mislabelled || 'endcall';
    const body = JSON.stringify(news.payload({ label, location: to.location, unswapped: struck.has('disposition_unswapped') }));
    const late = struck.get('webhook_reordered');
    const dueAt = news.at + (late === undefined ? 0 : (Number(late) || 10) * 60_000);
    const send = (): Promise<number> => post(to.location, { 'content-type': 'application/json', ...to.sent }, body);
    const key = `${news.phone} ${to.webhookid} ${news.event}`;
    const deliver = (at: EpochMs, tries: number): void =>
      this.frame.deliveries.add({
        dueAt: at,
        key,
        send: async () => {
          const status = await send().catch(() => 599);
          if (status >= 300 && tries > 0) deliver(at + 60_000, tries - 1);
          return status;
        },
      });
    for (let copy = 0; copy < (struck.has('webhook_duplicated') ? 2 : 1); copy++)
      deliver(dueAt, this.frame.claims.holds('webhooks_retried') ? 1 : 0);
  }

  /** The label cannot be trusted: the documented startcall sample says endcall [1P*] 1.2.6. */
  private usualLabel(event: HookEvent): string {
    if (event === 'startcall' && this.frame.claims.holds('startcall_says_endcall')) return 'endcall';
    return event === 'SMS' ? 'sms' : event;
  }

  clear(): void {
    this.hooks.clear();
  }
}

/** Filters by direction and result are documented for endcall only [1P] 1.2.6. */
function wants(each: Hook, news: News): boolean {
  if (each.eventname !== news.event) return false;
  if (news.event !== 'endcall') return true;
  const direction = each.direction === 'all' || each.direction === (news.direction ?? 'outgoing');
  return direction && (each.callresult === 'all' || each.callresult === news.result);
}
