// interleavings.test.ts: the promise of the send protocol, shown for every order and not for a sample.
import { describe, expect, test } from '@jest/globals';
import { noticeStates } from './states.ts';
import { noticeProtocol } from '../../domain/notice.ts';
import { explore, sabotaged } from './interleavings.ts';

describe('two workers, a payment and three crashes, in every order', () => {
  const found = explore();

  test('no order sends a message twice, begins one after a payment, or loses one silently', () => {
    expect(found).toMatchObject({ duplicates: 0, begunAfterPayment: 0, lost: 0, counterexamples: {} });
  });

  test('the walk is not empty: thousands of states and many ends', () => {
    expect(found.states).toBeGreaterThan(1_000);
    expect(found.ends).toBeGreaterThan(10);
  });
});

describe('a protocol without one of its rules is caught, with the shortest way there', () => {
  test('without the fence token a stale worker gives back a message that was delivered', () => {
    const { duplicates, counterexamples } = explore(sabotaged('no-token'));
    expect(duplicates).toBeGreaterThan(0);
    expect(counterexamples.duplicate).toEqual([
      'A claims',
      'A cannot reach the server',
      'the lease runs out',
      'B claims',
      'B looks a last time',
      'A gives it back',
      'A claims',
      'A looks a last time',
      'A sends, gets 250',
      'B sends, gets 250',
    ]);
  });

  test('a worker that takes over a body on the wire sends it again', () => {
    const { duplicates, counterexamples } = explore(sabotaged('steal-in-data'));
    expect(duplicates).toBeGreaterThan(0);
    expect(counterexamples.duplicate?.slice(0, 4)).toEqual(['A claims', 'A looks a last time', 'A sends, gets 250', 'the lease runs out']);
  });

  test('without the last look a message begins after the customer has paid', () => {
    const { begunAfterPayment, counterexamples } = explore(sabotaged('no-recheck'));
    expect(begunAfterPayment).toBeGreaterThan(0);
    expect(counterexamples['after payment']).toEqual(['A claims', 'payment unapplied', 'A looks a last time']);
  });
});

test('every state can be reached and, unless it is an end, be left', () => {
  const reached = new Set(['pending', ...noticeProtocol.map(transition => transition.to)]);
  expect([...reached].sort()).toEqual([...noticeStates].sort());
  const left = new Set(noticeProtocol.flatMap(transition => [...transition.from]));
  expect(noticeStates.filter(state => !left.has(state))).toEqual(['cancelled', 'suppressed']);
});
