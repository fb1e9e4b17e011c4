// fact-inbox.ts: what signals brought and no step has read yet. Signal handlers only add; the main loop drains.
import type { Heard } from './contract/types.ts';

export class FactInbox {
  private heard: Heard[];

  constructor(carried: readonly Heard[] = []) {
    this.heard = [...carried];
  }

  /** The same event id twice is one fact. */
  add(fact: Heard): void {
    if (!this.heard.some(known => known.eventId === fact.eventId && known.kind === fact.kind)) this.heard.push(fact);
  }

  some(): boolean {
    return this.heard.length > 0;
  }

  drain(): Heard[] {
    const drained = this.heard;
    this.heard = [];
    return drained;
  }
}
