// exchange.ts: the telephone exchange behind the Kixie stand-in: agents dial, people answer as the cast says, webhooks tell
// of it. A call takes business time; what happens in it depends on the number and on how often it was called before.
import { z } from 'zod';
import type { EpochMs } from '../../../domain/time.ts';
import { dateOfDayNumber, DAY_MS } from '../../../domain/time.ts';
import { unitOf, uuidOf } from '../../seeded.ts';
import { behaviourFor, callBehaviour, smsBehaviour } from '../behaviour.ts';
import type { Frame } from '../frame.ts';
import { activityPayload, callPayload, dispositionPayload, smsPayload, type CallEvent, type PlacedCall } from './calls.ts';
import type { kixieClaims } from './claims.ts';
import type { PowerListContact, PowerLists } from './powerlists.ts';
import type { Webhooks } from './webhooks.ts';

const behaviours = z.strictObject({ call: z.array(callBehaviour).default([]), sms: z.array(smsBehaviour).default([]) });
const ringMs = 18_000;
const giveUpMs = 35_000;
const betweenCallsMs = 60_000;

type Answered = Pick<z.output<typeof callBehaviour>, 'outcome' | 'disposition' | 'note' | 'seconds' | 'callBackInDays'>;
export type CallWish = {
  readonly phone: string;
  readonly agent: string;
  readonly at: EpochMs;
  readonly businessId: string;
  readonly powerlistId: string;
  readonly contact?: PowerListContact;
};

export class Exchange {
  private readonly frame: Frame<typeof kixieClaims>;
  private readonly lists: PowerLists;
  private readonly webhooks: Webhooks;
  private readonly apiKey: string;
  private people: z.output<typeof behaviours> = { call: [], sms: [] };
  private readonly counts = new Map<string, number>();
  private readonly busyUntil = new Map<string, EpochMs>();
  /** "list phone" to the UTC day it was last dialled on. */
  private readonly dialledOn = new Map<string, string>();

  constructor(frame: Frame<typeof kixieClaims>, parts: { lists: PowerLists; webhooks: Webhooks; apiKey: string }) {
    this.frame = frame;
    this.lists = parts.lists;
    this.webhooks = parts.webhooks;
    this.apiKey = parts.apiKey;
  }

  /** Replaces how people answer: {call: CallBehaviour[], sms: SmsBehaviour[]}. */
  behave(body: unknown): void {
    this.people = behaviours.parse(body);
  }

  isBusy(agent: string): boolean {
    return (this.busyUntil.get(agent) ?? 0) > this.frame.clock.now();
  }

  /** Rings the agent, then the number; returns the call as it will have been. */
  place(wish: CallWish): PlacedCall {
    const nth = this.count('call', wish.phone);
    const answer = this.answerOf(wish.phone, nth);
    const answeredAt = answer.outcome === 'no_answer' ? null : wish.at + ringMs;
    const call: PlacedCall = {
      uuid: uuidOf('call', this.frame.seed, wish.phone, nth),
      number: String(40_000_000 + Math.floor(unitOf('call number', this.frame.seed, wish.phone, nth) * 9_000_000)),
      businessId: wish.businessId,
      phone: wish.phone,
      agent: wish.agent,
      startedAt: wish.at,
      answeredAt,
      endedAt: answeredAt === null ? wish.at + giveUpMs : answeredAt + answer.seconds * 1000,
      disposition: answer.disposition,
      note: answer.note.replace(/\{day\+(\d+)\}/g, (_, days: string) => dateOfDayNumber(Math.floor(wish.at / DAY_MS) + Number(days))),
      powerlistId: wish.powerlistId,
      contactId: typeof wish.contact?.crmContactId === 'string' ? wish.contact.crmContactId : '',
      extraData: wish.contact?.extraData ?? null,
    };
    this.busyUntil.set(wish.agent, call.endedAt);
    this.tellOf(call, answer);
    return call;
  }

  private tellOf(call: PlacedCall, answer: Answered): void {
    const about = { phone: call.phone, agent: call.agent };
    const echo = this.frame.claims.holds('echoes_contact');
    const tell = (event: CallEvent, at: EpochMs): void =>
      this.webhooks.tell({
        ...about,
        event,
        at,
        result: call.answeredAt === null ? 'missed' : 'answered',
        payload: shown => callPayload(call, event, { ...shown, echo }),
      });
    tell('startcall', call.startedAt);
    if (call.answeredAt !== null) tell('answeredcall', call.answeredAt);
    tell('endcall', call.endedAt);
    const swapped = this.frame.claims.holds('disposition_swaps_ids');
    const leak = this.frame.claims.holds('disposition_leaks_active_crm');
    const after = call.endedAt + 20_000;
    this.webhooks.tell({
      ...about,
      event: 'disposition',
      at: after,
      payload: ({ label, unswapped }) => dispositionPayload(call, { label, swapped: swapped && !unswapped, leak }),
    });
    if (answer.callBackInDays === undefined) return;
    const backAt = call.startedAt + answer.callBackInDays * DAY_MS;
    const leakedKey = this.frame.claims.holds('activity_leaks_key') ? this.apiKey : null;
    this.webhooks.tell({
      ...about,
      event: 'scheduledactivity',
      at: after,
      payload: ({ label }) => activityPayload(call, { label, at: backAt, leakedKey }),
    });
  }

  /** An agent works through a list, number by number, skipping who was dialled this UTC day or is gone when his turn comes. */
  dial(wish: { powerlistId: string; agent: string; businessId: string; limit: number }): number {
    const today = new Date(this.frame.clock.now()).toISOString().slice(0, 10);
    const due = this.lists.contacts(wish.powerlistId).filter(({ phone }) => this.dialledOn.get(`${wish.powerlistId} ${phone}`) !== today);
    const turns = due.slice(0, wish.limit).map(({ phone }) => phone);
    for (const phone of turns) this.dialledOn.set(`${wish.powerlistId} ${phone}`, today);
    this.nextTurn(turns, this.frame.clock.now(), wish);
    return turns.length;
  }

  private nextTurn(turns: readonly string[], at: EpochMs, wish: { powerlistId: string; agent: string; businessId: string }): void {
    const [phone, ...rest] = turns;
    if (phone === undefined) return;
    const send = (): Promise<number> => {
      const contact = this.lists.contact(wish.powerlistId, phone);
      if (!contact) this.nextTurn(rest, at, wish);
      else {
        const extra = z.looseObject({ caseId: z.string() }).safeParse(contact.extraData);
        const businessKey = extra.data?.caseId ?? null;
        const call = this.place({ ...wish, phone, at, contact });
        this.frame.witness.accept({
          kind: 'dialled',
          businessKey,
          target: phone,
          agent: wish.agent,
          powerlistId: wish.powerlistId,
          callId: call.uuid,
        });
        this.nextTurn(rest, call.endedAt + betweenCallsMs, wish);
      }
      return Promise.resolve(200);
    };
    this.frame.deliveries.add({ dueAt: at, key: `dial ${phone}`, send });
  }

  /** Tells of a text that left, and of the answer people give to it. */
  text(sms: { phone: string; agent: string; message: string; businessId: string }): void {
    const nth = this.count('sms', sms.phone);
    const at = this.frame.clock.now();
    const tell = (direction: 'incoming' | 'outgoing', message: string, when: EpochMs): void => {
      const id = uuidOf('sms', this.frame.seed, sms.phone, nth, direction);
      this.webhooks.tell({
        event: 'SMS',
        phone: sms.phone,
        agent: sms.agent,
        at: when,
        direction,
        payload: ({ label }) => smsPayload({ ...sms, id, direction, message, at: when, label }),
      });
    };
    tell('outgoing', sms.message, at);
    const reply = behaviourFor(
      this.people.sms.filter(({ phone }) => phone === sms.phone),
      nth,
    );
    if (reply) tell('incoming', reply.text, at + reply.afterMinutes * 60_000);
  }

  private answerOf(phone: string, nth: number): Answered {
    const cast = behaviourFor(
      this.people.call.filter(each => each.phone === phone),
      nth,
    );
    if (cast) return cast;
    const chance = unitOf('answers', this.frame.seed, phone, nth);
    if (chance < 0.5) return { outcome: 'no_answer', disposition: 'No answer', note: '', seconds: 0 };
    if (chance < 0.7) return { outcome: 'voicemail', disposition: 'Left voicemail', note: '', seconds: 30 };
    return { outcome: 'answered', disposition: 'Connected Call', note: 'Will look into it', seconds: 90 };
  }

  private count(kind: 'call' | 'sms', phone: string): number {
    const nth = (this.counts.get(`${kind} ${phone}`) ?? 0) + 1;
    this.counts.set(`${kind} ${phone}`, nth);
    return nth;
  }

  clear(): void {
    this.people = { call: [], sms: [] };
    this.counts.clear();
    this.busyUntil.clear();
    this.dialledOn.clear();
  }
}
