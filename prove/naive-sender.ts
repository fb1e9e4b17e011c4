// naive-sender.ts: the control of the kill storm: a sender as most systems have it. It reads the notice, sends it, and
// marks it as sent; when anything fails it tries again. Under kills and lost answers it must show duplicates, or the
// storm proves nothing. Nothing but the proof starts a worker with it.
import { claimNotice } from '../activities/email/claim-notice.ts';
import type { EmailDeps, SendOutcome } from '../activities/email/send-notice.ts';
import { sendMessage } from '../activities/email/smtp.ts';
import { withTenant } from '../store/database.ts';
import { moveNotice } from '../store/notice-transitions.ts';

/** Tries of one message in one waking. */
const tries = 3;

export function naiveSender(deps: EmailDeps): (tenant: string, noticeId: string) => Promise<SendOutcome> {
  return async (tenant, noticeId) => {
    const claim = await withTenant(deps.database, tenant, tx => claimNotice(deps, tx, noticeId, deps.clock.now()));
    if (claim.kind === 'over') return claim.outcome;
    if (claim.kind !== 'claimed') return { kind: 'busy', because: 'somebody else has it', retryAfterMs: 60_000 };
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      const answer = await sendMessage(deps.smtp, claim.message, async () => true);
      if (answer.kind !== 'accepted') continue;
      const given = { now: deps.clock.now(), actor: 'dunlin', because: 'accepted', token: claim.token };
      await withTenant(deps.database, tenant, async tx => {
        await moveNotice(tx, 'enter_data', noticeId, given);
        await moveNotice(tx, 'accepted', noticeId, given);
      });
      return { kind: 'sent', because: 'accepted' };
    }
    return { kind: 'not_sent', because: 'no try was answered', retryAfterMs: 60_000 };
  };
}
