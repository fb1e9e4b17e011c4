// clock.ts: business time as the rest of Dunlin sees it. Activities are given one; rules are told an instant; nobody
// else reads a clock. The demo passes one that runs fast (local/clock.ts), and nothing here can tell.
import type { EpochMs } from './time.ts';

export type Clock = {
  /** Business time now. */
  now(): EpochMs;
  /** Real milliseconds to sleep until business time reaches `until` (0 when it has). */
  realMsUntil(until: EpochMs): number;
};
