// witness.ts: what a stand-in really accepted, one JSON line each, appended before it answers. Nobody but the vendor writes
// it, so it can contradict Dunlin: two lines with one business key are a duplicate, whatever Dunlin believes.
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../../domain/clock.ts';

export type Accepted = { readonly kind: string; readonly businessKey: string | null; readonly [field: string]: unknown };
/** `at` is real time, `simAt` business time where the compressed clock runs; both RFC 3339. */
export type Witnessed = Accepted & { readonly at: string; readonly simAt?: string };

export class Witness {
  readonly path: string;
  private readonly clock: Clock | null;

  /** `clock` is the compressed one, or null where time is real. */
  constructor(path: string, clock: Clock | null) {
    this.path = path;
    this.clock = clock;
    mkdirSync(dirname(path), { recursive: true });
  }

  /** One line, on disk (O_APPEND) before this returns. */
  accept(what: Accepted): void {
    const simAt = this.clock ? { simAt: new Date(this.clock.now()).toISOString() } : {};
    appendFileSync(this.path, `${JSON.stringify({ at: new Date().toISOString(), ...simAt, ...what })}\n`, { flag: 'a' });
  }

  entries(): Witnessed[] {
    if (!existsSync(this.path)) return [];
    return readFileSync(this.path, 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Witnessed);
  }

  /** Starts a new file; the old one is kept beside it, because evidence is never deleted. */
  startOver(): void {
    if (!existsSync(this.path)) return;
    let number = 1;
    while (existsSync(this.path.replace(/\.jsonl$/, `.${number}.jsonl`))) number++;
    renameSync(this.path, this.path.replace(/\.jsonl$/, `.${number}.jsonl`));
  }
}
