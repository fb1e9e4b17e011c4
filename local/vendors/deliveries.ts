// deliveries.ts: what a stand-in sends by itself: webhooks, bounces, replies. Each has a business time at which it is due.
// They go out one after the other, by that time, either as the clock reaches it or when the driver of a demo says so.
import type { Clock } from '../../domain/clock.ts';
import { isoInstant, type EpochMs } from '../../domain/time.ts';

export type Delivery = {
  readonly dueAt: EpochMs;
  /** What it is; orders deliveries that are due at the same time. */
  readonly key: string;
  /** Resolves to the receiver's HTTP status; rejects where nobody answered. */
  readonly send: () => Promise<number>;
};
type Delivered = { readonly key: string; readonly status: number | null; readonly problem?: string };
export type DeliveryRound = {
  readonly delivered: number;
  readonly failed: number;
  readonly nextAt: string | null;
  readonly log: readonly Delivered[];
};

const lookEveryMs = 20;

export class Deliveries {
  private readonly clock: Clock;
  private waiting: Delivery[] = [];
  private running: Promise<unknown> = Promise.resolve();
  private readonly timer: NodeJS.Timeout | null;

  /** `by`: 'clock' sends what the clock has reached by itself; 'word' only when deliver() is called. */
  constructor(clock: Clock, by: 'clock' | 'word') {
    this.clock = clock;
    this.timer = by === 'clock' ? setInterval(() => this.look(), lookEveryMs) : null;
    this.timer?.unref();
  }

  add(delivery: Delivery): void {
    this.waiting.push(delivery);
    this.waiting.sort((a, b) => a.dueAt - b.dueAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  /** The business time of the next one, null when nothing waits. */
  nextAt(): EpochMs | null {
    return this.waiting[0]?.dueAt ?? null;
  }

  pending(): { dueAt: string; key: string }[] {
    return this.waiting.map(({ dueAt, key }) => ({ dueAt: isoInstant(dueAt), key }));
  }

  /** Sends everything due by `until`, in order, one at a time; resolves when the last receiver has answered. */
  deliver(until: EpochMs = this.clock.now()): Promise<DeliveryRound> {
    const round = this.running.then(() => this.round(until));
    this.running = round.catch(() => undefined);
    return round;
  }

  clear(): void {
    this.waiting = [];
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.clear();
  }

  private look(): void {
    const next = this.nextAt();
    if (next !== null && next <= this.clock.now()) void this.deliver();
  }

  private async round(until: EpochMs): Promise<DeliveryRound> {
    const log: Delivered[] = [];
    for (let next = this.waiting[0]; next && next.dueAt <= until; next = this.waiting[0]) {
      this.waiting.shift();
      log.push(await tried(next));
    }
    const delivered = log.filter(({ status }) => status !== null && status < 400).length;
    const nextAt = this.nextAt();
    return { delivered, failed: log.length - delivered, nextAt: nextAt === null ? null : isoInstant(nextAt), log };
  }
}

async function tried({ key, send }: Delivery): Promise<Delivered> {
  try {
    return { key, status: await send() };
  } catch (error) {
    return { key, status: null, problem: String(error instanceof Error ? (error.cause ?? error) : error) };
  }
}

/** Posts and forgets the body; resolves to the status. Ten real seconds, then the receiver counts as silent. */
export async function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<number> {
  const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000), redirect: 'manual' });
  await answer.arrayBuffer();
  return answer.status;
}
