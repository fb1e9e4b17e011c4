// behaviour.ts: how the people behind the stand-in vendors answer mail and telephone. Decided by address or number and by
// how many messages or calls they had before, never by the time, so that a demo with the same seed ends the same.
import { z } from 'zod';

const nth = z.union([z.number().int().min(1), z.literal('every')]);

export const mailBehaviour = z.strictObject({
  /** The recipient this is about. */
  address: z.string().min(3),
  /** Which accepted mail to that address, counted from 1. `reject` counts attempts instead. */
  nth,
  /** `reject` refuses at RCPT with 550; the others accept first: a bounce is what makes "accepted" not mean "delivered". */
  does: z.enum(['reject', 'bounce', 'bounce_soft', 'auto_reply', 'reply']),
  text: z.string().optional(),
  /** Business minutes between the mail and its answer. */
  afterMinutes: z.number().min(0).default(0),
});
export type MailBehaviour = z.input<typeof mailBehaviour>;

export const callBehaviour = z.strictObject({
  /** E.164. */
  phone: z.string().regex(/^\+\d{7,15}$/),
  /** Which call to that number, counted from 1. */
  nth,
  outcome: z.enum(['answered', 'voicemail', 'no_answer']),
  /** Free text, configured by each Kixie account [1P*] 1.5.2. */
  disposition: z.string().min(1),
  /** What the agent writes. `{day+7}` becomes the date seven days after the call. */
  note: z.string().default(''),
  seconds: z.number().int().min(0).default(60),
  /** The agent also plans a call back, this many days later. */
  callBackInDays: z.number().int().min(1).optional(),
});
export type CallBehaviour = z.input<typeof callBehaviour>;

export const smsBehaviour = z.strictObject({ phone: z.string(), nth, text: z.string(), afterMinutes: z.number().min(0).default(1) });

/** The one entry that says what happens the `count`-th time: an exact count before `every`. */
export function behaviourFor<T extends { nth: number | 'every' }>(entries: readonly T[], count: number): T | undefined {
  return entries.find(entry => entry.nth === count) ?? entries.find(entry => entry.nth === 'every');
}
