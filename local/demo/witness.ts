// witness.ts: what the outside saw. Duplicates and messages after payment are judged from the mail server's own record of
// what it accepted, never from Dunlin's tables.
import { existsSync, readFileSync } from 'node:fs';
import type { EpochMs } from '../../domain/time.ts';

export type AcceptedMail = {
  readonly simAt: EpochMs | null;
  readonly messageId: string;
  readonly to: readonly string[];
  readonly subject: string;
  /** Value of X-Dunlin-Notice. */
  readonly businessKey: string;
  /** Value of X-Dunlin-Lines: "invoice/cycle/stage, ...". */
  readonly lines: string;
};

/** The mails the stand-in server accepted, oldest first. */
export function acceptedMails(path: string): AcceptedMail[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Omit<AcceptedMail, 'to' | 'simAt'> & { to: string | string[]; simAt: string | null })
    .filter(record => record.businessKey)
    .map(record => ({ ...record, to: [record.to].flat(), simAt: record.simAt === null ? null : Date.parse(String(record.simAt)) }));
}

export type Line = { readonly invoiceId: string; readonly cycle: number; readonly stage: string };

export function linesOf(mail: AcceptedMail): Line[] {
  return mail.lines
    .split(',')
    .map(part => part.trim().split('/'))
    .filter(parts => parts.length === 3)
    .map(([invoiceId = '', cycle = '1', stage = '']) => ({ invoiceId, cycle: Number(cycle), stage }));
}

export type WitnessFigures = {
  readonly mails: number;
  /** Accepted a second time under the same business key (invoice, cycle, stage), apologies included. */
  readonly duplicates: number;
  /** Reminder lines accepted after their invoice was paid in full. */
  readonly contactsAfterPayment: number;
  /** Reminder lines by stage. */
  readonly byStage: Readonly<Record<string, number>>;
};

/** `settledAt`: when each invoice that is paid now was last paid in full. */
export function judge(mails: readonly AcceptedMail[], settledAt: ReadonlyMap<string, EpochMs>): WitnessFigures {
  const seen = new Set<string>();
  const byStage: Record<string, number> = {};
  let duplicates = 0;
  let contactsAfterPayment = 0;
  for (const mail of mails) {
    for (const line of linesOf(mail)) {
      const key = `${line.invoiceId}/${line.cycle}/${line.stage}`;
      if (seen.has(key)) duplicates += 1;
      seen.add(key);
      if (line.stage.startsWith('apology')) continue;
      byStage[line.stage] = (byStage[line.stage] ?? 0) + 1;
      const paidAt = settledAt.get(line.invoiceId);
      if (paidAt !== undefined && mail.simAt !== null && mail.simAt > paidAt) contactsAfterPayment += 1;
    }
  }
  return { mails: mails.length, duplicates, contactsAfterPayment, byStage };
}
