// states.ts: every state of a notice, in the order of its life.
import type { NoticeState } from '../../domain/facts.ts';

export const noticeStates: readonly NoticeState[] = [
  'pending',
  'claimed',
  'in_data',
  'sent',
  'unknown',
  'not_sent',
  'cancelled',
  'suppressed',
];
