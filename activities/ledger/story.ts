// story.ts: what someone who has never seen the code reads in the Temporal UI: who owes what, what was done, what is
// next and why. Markdown, shown as the run's current details; it costs no event.
import { formatMoney } from '../../domain/money.ts';
import type { InvoiceFacts } from '../../domain/facts.ts';
import type { Reason } from '../../domain/reason.ts';
import { type EpochMs, isoInstant } from '../../domain/time.ts';

export type StoryInput = {
  readonly invoice: InvoiceFacts;
  readonly currency: string;
  readonly policy: string;
  readonly policyVersion: number;
  readonly ageDays: number;
  readonly happened: readonly { at: EpochMs; what: string }[];
  readonly headline: string;
  readonly next: string;
  readonly reasons: readonly Reason[];
};

export function tellStory(story: StoryInput): string {
  const open = formatMoney({ minor: story.invoice.openMinor, currency: story.currency }, 'en', 'code');
  const age = story.ageDays > 0 ? `${story.ageDays} days overdue` : story.ageDays === 0 ? 'due today' : `due in ${-story.ageDays} days`;
  const done = story.happened.slice(-8).map(event => `- ${isoInstant(event.at).slice(0, 16).replace('T', ' ')} UTC: ${event.what}`);
  return [
    `### ${story.headline}`,
    `**${story.invoice.number}** · ${open} open · due ${story.invoice.dueDate}, ${age} · policy ${story.policy} v${story.policyVersion}`,
    `**Next:** ${story.next}`,
    story.reasons.length > 0 ? `**Because:** ${story.reasons.map(reason => reason.text).join('; ')}` : '',
    done.length > 0 ? `**So far**\n\n${done.join('\n')}` : '**So far** nothing was sent.',
  ]
    .filter(Boolean)
    .join('\n\n');
}
