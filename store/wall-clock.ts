// wall-clock.ts: the ordinary clock, read once per process and handed on. It stands beside the settings, not among the
// rules: nothing in domain/ may ask what time it is.
import type { Clock } from '../domain/clock.ts';

export const wallClock: Clock = {
  now: () => Date.now(),
  realMsUntil: until => Math.max(0, until - Date.now()),
};
