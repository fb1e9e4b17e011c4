// notices.ts: `dunlin notices`: what left, what waits for a person, what may or may not have arrived, and the decisions
// that people take about them.
import type { Command } from 'commander';
import PostalMime from 'postal-mime';
import { formatMoney } from '../../../domain/money.ts';
import { isoInstant } from '../../../domain/time.ts';
import { listNotices, type ListedNotice, type ShownNotice, showNotice } from '../../../store/notice-lists.ts';
import { resolveUnknown, retryNotice, reviewNotice, type Settled } from '../../../store/notice-review.ts';
import type { Tx } from '../../../store/database.ts';
import { answer, AnswerIsNo, BadInput, paint, table } from '../output.ts';
import { inTenant } from '../store.ts';

const states = ['pending', 'claimed', 'in_data', 'sent', 'unknown', 'not_sent', 'cancelled', 'suppressed', 'waiting'];
const someone = process.env['USER'] || 'cli';

type ListOptions = { state?: string; customer?: string; limit: string };
type DecisionOptions = { because?: string; by: string };

export function register(program: Command): void {
  const notices = program
    .command('notices')
    .option('--state <state>', `one of ${states.join(', ')}`)
    .option('--customer <id>', 'only of this customer')
    .option('--limit <n>', 'how many, newest first', '50')
    .description('messages to customers: sent, waiting, unknown')
    .addHelpText(
      'after',
      '\nExamples:\n  dunlin notices --state unknown\n  dunlin notices review\n  dunlin notices resolve ntc_4f2a sent --because "found in the journal mailbox"\n',
    )
    .action(async (options: ListOptions, command: Command) => list(command, options));

  notices
    .command('show')
    .argument('<id>')
    .description('one message: its text, why it left or did not, and its history')
    .action(async (id: string, _options: unknown, command: Command) => {
      const shown = await inTenant(command, tx => found(tx, id));
      answer(command, await readable(shown), tell);
    });

  notices
    .command('review')
    .description('messages that wait for a person')
    .action(async (_options: unknown, command: Command) => list(command, { state: 'waiting', limit: '200' }));

  for (const decision of ['approve', 'decline'] as const) {
    notices
      .command(decision)
      .argument('<id>')
      .option('--because <text>', decision === 'decline' ? 'the reason (needed)' : 'a remark')
      .option('--by <person>', 'who decides', someone)
      .description(decision === 'approve' ? 'let a message that waits leave when the gate agrees' : 'do not send a message that waits')
      .action(async (id: string, options: DecisionOptions, command: Command) => {
        if (decision === 'decline' && !options.because) throw new BadInput('--because: found nothing, expected the reason for declining');
        const settled = await inTenant(command, (tx, { clock }) =>
          reviewNotice(tx, id, { decision, by: options.by, at: clock.now(), ...(options.because ? { note: options.because } : {}) }),
        );
        conclude(command, settled, decision === 'approve' ? `${id} may leave.` : `${id} will not be sent.`);
      });
  }

  notices
    .command('resolve')
    .argument('<id>')
    .argument('<as>', 'sent | not_sent')
    .requiredOption('--because <text>', 'the evidence')
    .option('--by <person>', 'who says so', someone)
    .description('settle a message whose delivery is unknown')
    .action(async (id: string, as: string, options: DecisionOptions & { because: string }, command: Command) => {
      if (as !== 'sent' && as !== 'not_sent') throw new BadInput(`found "${as}", expected sent or not_sent`);
      const settled = await inTenant(command, (tx, { clock }) =>
        resolveUnknown(tx, id, { as, by: `person:${options.by}`, because: options.because, at: clock.now() }),
      );
      const then = as === 'sent' ? 'counts as delivered' : 'was not delivered; its stages are planned again';
      conclude(command, settled, `${id} ${then}.`);
    });

  notices
    .command('retry')
    .argument('<id>')
    .requiredOption('--because <text>', 'what was mended')
    .option('--by <person>', 'who says so', someone)
    .description('try a refused message again')
    .action(async (id: string, options: DecisionOptions & { because: string }, command: Command) => {
      const settled = await inTenant(command, (tx, { clock }) => retryNotice(tx, id, options.by, options.because, clock.now()));
      conclude(command, settled, `${id} is tried again.`);
    });
}

async function list(command: Command, options: ListOptions): Promise<void> {
  if (options.state !== undefined && !states.includes(options.state)) {
    throw new BadInput(`--state: found "${options.state}", expected one of ${states.join(', ')}`);
  }
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1) throw new BadInput(`--limit: found "${options.limit}", expected a whole number from 1`);
  const notices = await inTenant(command, tx =>
    listNotices(tx, {
      limit,
      ...(options.state ? { state: options.state } : {}),
      ...(options.customer ? { customerId: options.customer } : {}),
    }),
  );
  answer(command, { notices }, () => (notices.length === 0 ? 'None.' : listed(notices)));
}

function listed(notices: readonly ListedNotice[]): string {
  const columns = [
    { title: 'notice' },
    { title: 'when (UTC)' },
    { title: 'customer' },
    { title: 'invoices' },
    { title: 'total', align: 'right' as const },
    { title: 'state' },
  ];
  return table(
    columns,
    notices.map(notice => [
      notice.id,
      isoInstant(notice.inDataAt ?? notice.finishedAt ?? notice.decidedAt)
        .slice(0, 16)
        .replace('T', ' '),
      notice.customer,
      notice.kind === 'apology' ? 'apology' : notice.lines.join(', '),
      formatMoney({ minor: BigInt(notice.totalMinor), currency: notice.currency }, 'en', 'code'),
      stateOf(notice),
    ]),
  );
}

function stateOf(notice: ListedNotice): string {
  if (notice.state === 'pending' && notice.review === 'waiting')
    return paint.yellow(`waits for a person (${notice.reviewAsks ?? 'review'})`);
  const crossed = notice.crossedPayment ? ', crossed a payment' : '';
  const words = `${notice.state.replace('_', ' ')}${crossed}`;
  return notice.state === 'unknown' || notice.state === 'not_sent' ? paint.red(words) : words;
}

async function found(tx: Tx, id: string): Promise<ShownNotice> {
  const shown = await showNotice(tx, id);
  if (!shown)
    throw new BadInput(`notice "${id}": found none of that id, expected one such as ntc_4f2a91c07be35d16; list them with: dunlin notices`);
  return shown;
}

type Readable = Omit<ShownNotice, 'rendered'> & {
  readonly text: string | null;
  readonly html: string | null;
  readonly attachments: readonly string[];
};

/** The message as its reader sees it, from the very bytes that are stored. */
async function readable({ rendered, ...shown }: ShownNotice): Promise<Readable> {
  if (!rendered) return { ...shown, text: null, html: null, attachments: [] };
  const mail = await PostalMime.parse(rendered);
  return {
    ...shown,
    text: mail.text ?? null,
    html: mail.html ?? null,
    attachments: mail.attachments.map(file => file.filename ?? file.mimeType),
  };
}

function tell(notice: Readable): string {
  const gate = notice.gate as { kind?: string; reasons?: readonly { text: string }[] } | null;
  const facts = [
    ['state', stateOf(notice)],
    ['customer', `${notice.customer} (${notice.customerId})`],
    ['about', notice.lines.join(', ')],
    ['policy', `${notice.policy} v${notice.policyVersion}, template ${notice.template}, ${notice.mode}`],
    ['to', notice.recipient ?? 'nobody yet'],
    ['gate', gate?.kind ? `${gate.kind}: ${(gate.reasons ?? []).map(reason => reason.text).join('; ')}` : 'not asked yet'],
    ...(notice.providerReply ? [['mail server', notice.providerReply]] : []),
    ...(notice.attachments.length > 0 ? [['attached', notice.attachments.join(', ')]] : []),
  ].map(([label = '', value = '']) => `${paint.dim(label.padEnd(12))}${value}`);
  const history = notice.history.map(
    event => `  ${isoInstant(event.at).slice(0, 16).replace('T', ' ')}  ${event.kind.replace('notice.', '').padEnd(16)} ${event.because}`,
  );
  const letter = notice.text ? ['', paint.bold(notice.subject ?? ''), '', notice.text.trimEnd()] : ['', 'Not written yet.'];
  return [paint.bold(notice.id), ...facts, ...letter, '', paint.dim('history'), ...history].join('\n');
}

function conclude(command: Command, settled: Settled, done: string): void {
  answer(command, settled, value => (value.kind === 'done' ? done : `Too late: ${value.because}.`));
  if (settled.kind === 'too_late') throw new AnswerIsNo('');
}
