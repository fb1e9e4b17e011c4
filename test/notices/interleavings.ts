// interleavings.ts: walks every order in which two workers, a payment, the sweeper, expiring leases and crashes can meet
// over one notice. What may happen is read from the protocol table; only the meaning of each guard is modelled here.
import { type Effect, type Guard, type NoticeEvent, noticeProtocol, type Transition, transitionOn } from '../../domain/notice.ts';
import type { NoticeState } from '../../domain/facts.ts';

/** What a worker is about to do. */
type At = 'idle' | 'connected' | 'giving_back' | 'body' | 'got_250' | 'got_4xx' | 'got_nothing';
/** `current`: its fence token is the notice's; tokens are never given twice, so an older one is just `stale`. */
type Worker = { at: At; token: 'none' | 'current' | 'stale' };

export type World = {
  state: NoticeState;
  lease: 'none' | 'valid' | 'expired';
  /** The customer has not changed since the gate looked. */
  seenLatest: boolean;
  /** `booked`: on this invoice; `unapplied`: the customer's money, not yet on any invoice. */
  paid: 'no' | 'booked' | 'unapplied';
  crossed: boolean;
  workers: [Worker, Worker];
  /** Copies the mail server has taken. */
  delivered: number;
  begunAfterPayment: boolean;
  crashesLeft: number;
};

export type Sabotage = 'no-token' | 'steal-in-data' | 'no-recheck';

export type Wrong = 'duplicate' | 'after payment' | 'lost';

export type Found = {
  readonly states: number;
  readonly ends: number;
  readonly duplicates: number;
  readonly begunAfterPayment: number;
  /** Ends in which nobody would ever learn that nothing was delivered, or in which a worker is stuck. */
  readonly lost: number;
  /** Actions of the shortest way to each kind of violation. */
  readonly counterexamples: Readonly<Partial<Record<Wrong, readonly string[]>>>;
};

/** The protocol with one of its rules taken out: each must turn the walk red, or the rule proves nothing. */
export function sabotaged(sabotage: Sabotage): readonly Transition[] {
  const without = (transition: Transition, gone: readonly Guard[]) => ({
    ...transition,
    guards: transition.guards.filter(guard => !gone.includes(guard)),
  });
  return noticeProtocol.map(transition => {
    if (sabotage === 'no-token') return without(transition, ['my_token']);
    if (sabotage === 'steal-in-data' && transition.on === 'reclaim_expired')
      return { ...transition, from: [...transition.from, 'in_data' as const] };
    if (sabotage === 'no-recheck' && transition.on === 'enter_data')
      return without(transition, ['facts_unchanged', 'lines_open', 'no_hold']);
    return transition;
  });
}

const always = () => true;
const guardIn: Record<Guard, (world: World, worker: Worker | undefined) => boolean> = {
  my_token: (_world, worker) => worker?.token === 'current',
  lease_valid: world => world.lease === 'valid',
  lease_expired: world => world.lease === 'expired',
  gate_sends: world => world.paid === 'no',
  gate_cancels: world => world.paid !== 'no',
  facts_unchanged: world => world.seenLatest,
  lines_open: world => world.paid !== 'booked',
  // The rest never changes in this model: one notice, one moment, nobody stops the tenant or the address.
  gate_suppresses: () => false,
  sends_allowed: always,
  review_allows: always,
  alone: always,
  is_due: always,
  no_hold: always,
  address_allowed: always,
  lines_living: always,
};

const nothing = () => undefined;
const effectIn: Record<Effect, (world: World, worker: Worker | undefined) => void> = {
  new_token: (world, worker) => {
    for (const other of world.workers) if (other.token === 'current') other.token = 'stale';
    if (worker) worker.token = 'current';
    world.lease = 'valid';
  },
  freeze: world => {
    world.seenLatest = true;
  },
  drop_lease: world => {
    world.lease = 'none';
    for (const other of world.workers) if (other.token === 'current') other.token = 'stale';
  },
  mark_crossed: world => {
    world.crossed = true;
  },
  mark_in_data: nothing,
  keep_verdict: nothing,
  keep_reply: nothing,
  come_back_later: nothing,
  finish: nothing,
  unfinish: nothing,
  mark_bounced: nothing,
  free_lines: nothing,
  name_resolver: nothing,
};

type Action = { readonly name: string; readonly next: World };

/** Every notice that begins pending, for up to `crashes` deaths of either worker. */
export function explore(protocol: readonly Transition[] = noticeProtocol, crashes = 3): Found {
  const start: World = {
    state: 'pending',
    lease: 'none',
    seenLatest: true,
    paid: 'no',
    crossed: false,
    workers: [
      { at: 'idle', token: 'none' },
      { at: 'idle', token: 'none' },
    ],
    delivered: 0,
    begunAfterPayment: false,
    crashesLeft: crashes,
  };
  const seen = new Map<string, { from: string | undefined; by: string }>([[keyOf(start), { from: undefined, by: 'start' }]]);
  const counterexamples: Partial<Record<Wrong, readonly string[]>> = {};
  const found = { states: 0, ends: 0, duplicates: 0, begunAfterPayment: 0, lost: 0, counterexamples };
  let frontier = [start];
  while (frontier.length > 0) {
    const following: World[] = [];
    for (const world of frontier) {
      found.states += 1;
      const actions = actionsOf(world, protocol);
      const wrong = wrongIn(world, actions);
      if (actions.length === 0) found.ends += 1;
      if (wrong === 'duplicate') found.duplicates += 1;
      if (wrong === 'after payment') found.begunAfterPayment += 1;
      if (wrong === 'lost') found.lost += 1;
      if (wrong) counterexamples[wrong] ??= wayTo(world, seen);
      // Beyond a violation there is nothing to learn.
      if (wrong) continue;
      for (const action of actions) {
        const key = keyOf(action.next);
        if (seen.has(key)) continue;
        seen.set(key, { from: keyOf(world), by: action.name });
        following.push(action.next);
      }
    }
    frontier = following;
  }
  return found;
}

function keyOf(world: World): string {
  return JSON.stringify(world);
}

function wayTo(world: World, seen: ReadonlyMap<string, { from: string | undefined; by: string }>): string[] {
  const way: string[] = [];
  for (let key: string | undefined = keyOf(world); key !== undefined; key = seen.get(key)?.from) way.unshift(seen.get(key)?.by ?? '');
  return way.slice(1);
}

function wrongIn(world: World, actions: readonly Action[]): Wrong | undefined {
  if (world.delivered > 1) return 'duplicate';
  if (world.begunAfterPayment) return 'after payment';
  if (actions.length > 0) return undefined;
  const told: Partial<Record<NoticeState, boolean>> = {
    sent: world.delivered === 1,
    unknown: true,
    cancelled: world.delivered === 0 && world.paid !== 'no',
  };
  return told[world.state] ? undefined : 'lost';
}

function actionsOf(world: World, protocol: readonly Transition[]): Action[] {
  const actions: Action[] = [];
  const attempt = (name: string, change: (next: World) => boolean) => {
    const next = structuredClone(world);
    if (change(next)) actions.push({ name, next });
  };
  const move = (next: World, on: NoticeEvent, worker?: Worker): boolean => {
    const transition = transitionOn(on, protocol);
    if (!transition.from.includes(next.state) || !transition.guards.every(guard => guardIn[guard](next, worker))) return false;
    next.state = transition.to;
    for (const effect of transition.effects) effectIn[effect](next, worker);
    return true;
  };
  for (const index of [0, 1] as const) workerActions(index, world, attempt, move);
  if (world.lease === 'valid') {
    attempt('the lease runs out', next => {
      next.lease = 'expired';
      return true;
    });
  }
  attempt('sweep', next => move(next, 'sweep'));
  if (world.paid === 'no') {
    for (const paid of ['booked', 'unapplied'] as const) {
      attempt(`payment ${paid}`, next => {
        next.paid = paid;
        next.seenLatest = false;
        if (paid === 'booked' && !move(next, 'withdraw')) move(next, 'payment_crosses');
        return true;
      });
    }
  }
  return actions;
}

type Attempt = (name: string, change: (next: World) => boolean) => void;
type Move = (next: World, on: NoticeEvent, worker?: Worker) => boolean;

function workerActions(index: 0 | 1, world: World, attempt: Attempt, move: Move): void {
  const name = index === 0 ? 'A' : 'B';
  const { at } = world.workers[index];
  const go = (what: string, change: (next: World, worker: Worker) => boolean) =>
    attempt(`${name} ${what}`, next => change(next, next.workers[index]));
  const goesTo = (to: At) => (_next: World, worker: Worker) => {
    worker.at = to;
    return true;
  };
  if (world.crashesLeft > 0 && at !== 'idle') {
    go('is killed', (next, worker) => {
      Object.assign(worker, { at: 'idle', token: 'none' });
      next.crashesLeft -= 1;
      return true;
    });
  }
  const finish = (on: NoticeEvent) => (next: World, worker: Worker) => {
    move(next, on, worker);
    Object.assign(worker, { at: 'idle', token: 'none' });
    return true;
  };
  switch (at) {
    case 'idle':
      go(
        'claims',
        (next, worker) => (move(next, 'claim', worker) || move(next, 'reclaim_expired', worker)) && goesTo('connected')(next, worker),
      );
      go('hears the gate say cancel', (next, worker) => next.lease !== 'valid' && move(next, 'cancel', worker));
      return;
    case 'connected':
      go('cannot reach the server', goesTo('giving_back'));
      go('looks a last time', (next, worker) => {
        const paidBefore = next.paid !== 'no';
        if (!move(next, 'enter_data', worker)) return goesTo('giving_back')(next, worker);
        next.begunAfterPayment ||= paidBefore;
        return goesTo('body')(next, worker);
      });
      // The mark was stored but the answer of the database was lost: the worker sends nothing.
      go('marks and does not hear it', (next, worker) => move(next, 'enter_data', worker) && goesTo('giving_back')(next, worker));
      return;
    case 'giving_back':
      go('gives it back', finish('release'));
      return;
    case 'body':
      for (const [what, delivered, to] of [
        ['sends, gets 250', 1, 'got_250'],
        ['sends, gets 451', 0, 'got_4xx'],
        ['sends, taken, no answer', 1, 'got_nothing'],
        ['sends, lost, no answer', 0, 'got_nothing'],
      ] as const) {
        go(what, (next, worker) => {
          next.delivered += delivered;
          return goesTo(to)(next, worker);
        });
      }
      return;
    case 'got_250':
      go('stores sent', finish('accepted'));
      return;
    case 'got_4xx':
      go('stores the refusal', finish('refused_temporarily'));
      return;
    case 'got_nothing':
      go('stores unknown', finish('no_answer'));
  }
}
