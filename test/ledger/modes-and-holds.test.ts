// modes-and-holds.test.ts: when nobody is to be written to, or a person is asked first: modes, holds, addresses that fail.
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { instantAt } from '../../domain/time.ts';
import { readCase, readDecisions } from '../../store/cases.ts';
import { liftHold, placeHold } from '../../store/holds.ts';
import { noticeBounced, reviewNotice } from '../../store/notice-review.ts';
import { sql } from '../../store/sql.ts';
import { type Book, monday, openBook, zone } from '../walks/book.ts';

jest.setTimeout(60_000);
let book: Book;
beforeAll(async () => {
  book = await openBook();
}, 120_000);
beforeEach(() => book.startOver());
afterAll(() => book?.stop());

const full = 107_800n;
const day = (date: string) => instantAt(date, 23 * 60, zone);
const caseOf = async (id: string, cycle = 1) => book.tx(tx => readCase(tx, id, cycle));
const notices = () =>
  book.rows<{ id: string; stage: string; state: string; review: string }>(
    sql`select id, stage, state, review from notices order by decided_at, id`,
  );

describe('modes', () => {
  test('suggest: the letter waits for a person, and leaves after a yes', async () => {
    await book.customer('cus_1', { segment: 'suggested' });
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-02'));
    expect(book.office.letters).toEqual([]);
    expect(await caseOf(id)).toMatchObject({ attention: 'awaiting_review' });
    const [waiting] = await notices();
    expect(waiting).toMatchObject({ stage: 'friendly', state: 'pending', review: 'waiting' });
    expect(await book.rows(sql`select rendered is not null as readable, subject from notices`)).toMatchObject([
      { readable: true, subject: expect.stringContaining('INV-1') },
    ]);
    book.clock.set(instantAt('2026-03-03', 11 * 60, zone));
    await book.tx(tx => reviewNotice(tx, waiting?.id ?? '', { decision: 'approve', by: 'ana', at: book.clock.now() }));
    await book.passTo(day('2026-03-03'));
    expect(book.stagesSent(id)).toEqual(['friendly']);
  });

  test('suggest: a stage that is declined is skipped, and the next one asks again', async () => {
    await book.customer('cus_1', { segment: 'suggested' });
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-02'));
    const [waiting] = await notices();
    await book.tx(tx => reviewNotice(tx, waiting?.id ?? '', { decision: 'decline', by: 'ana', note: 'a friend', at: book.clock.now() }));
    await book.passTo(day('2026-03-06'));
    expect(await notices()).toMatchObject([
      { stage: 'friendly', review: 'declined' },
      { stage: 'gentle', state: 'pending', review: 'waiting' },
    ]);
    expect(book.office.letters).toEqual([]);
    expect(await caseOf(id)).toMatchObject({ attention: 'awaiting_review' });
  });

  test('suggest: a payment withdraws what waits for a person, who is told that it is too late', async () => {
    await book.customer('cus_1', { segment: 'suggested' });
    await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-02'));
    const [waiting] = await notices();
    await book.pay('INV-1', full);
    const late = await book.tx(tx => reviewNotice(tx, waiting?.id ?? '', { decision: 'approve', by: 'ana', at: book.clock.now() }));
    expect(late).toMatchObject({ kind: 'too_late', because: expect.stringContaining('cancelled') });
    await book.passTo(day('2026-03-10'));
    expect(book.office.letters).toEqual([]);
  });

  test('shadow: everything is decided and recorded, nobody hears of it', async () => {
    await book.customer('cus_1', { segment: 'shadowed', phone: '+442079460001' });
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-04-20'));
    expect(book.office.letters).toEqual([]);
    expect((await notices()).map(notice => [notice.stage, notice.state])).toEqual(
      ['friendly', 'gentle', 'firm', 'escalation', 'final'].map(stage => [stage, 'suppressed']),
    );
    expect(await caseOf(id)).toMatchObject({ state: 'with_people', attention: 'past_last_stage' });
  });

  test('strategic: each stage is a task for the account manager, and no letter', async () => {
    await book.customer('cus_1', { segment: 'strategic', owner: 'maria' });
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-04-20'));
    expect(book.office.letters).toEqual([]);
    const tasks = await book.rows<{ title: string; owner: string }>(sql`select title, owner from tasks order by due_at`);
    expect(tasks).toEqual(
      ['heads_up', 'check_in', 'talk', 'escalation'].map(stage => ({
        title: `Speak with Customer cus_1 about INV-1 (${stage})`,
        owner: 'maria',
      })),
    );
    expect(await caseOf(id)).toMatchObject({ stage: 'escalation', policy: 'strategic', attention: 'past_last_stage' });
  });
});

describe('a hold', () => {
  test('keeps letters back; when it ends only the latest stage that came due is fired', async () => {
    await book.customer('cus_1');
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.tx(tx =>
      placeHold(
        tx,
        {
          id: 'hld_1',
          kind: 'manual',
          scope: 'invoice',
          invoiceId: id,
          reason: 'asked for time',
          startsAt: monday,
          endsAt: instantAt('2026-03-13', 0, zone),
        },
        'test',
      ),
    );
    await book.passTo(day('2026-03-12'));
    expect(book.office.letters).toEqual([]);
    await book.passTo(day('2026-03-13'));
    expect(book.stagesSent(id)).toEqual(['firm']);
    const decisions = await book.tx(tx => readDecisions(tx, id, book.clock.now()));
    expect(decisions.find(decision => decision.kind === 'act')?.reasons.map(reason => reason.code)).toEqual(['stages_missed', 'stage_due']);
  });

  test("a court's stay stops every case of the customer until it is lifted", async () => {
    await book.customer('cus_1');
    const ids = [await book.invoice('A', { customer: 'cus_1' }), await book.invoice('B', { customer: 'cus_1', dueDate: '2026-02-20' })];
    await book.tx(tx =>
      placeHold(
        tx,
        { id: 'hld_1', kind: 'legal_stay', scope: 'customer', customerId: 'cus_1', reason: 'insolvency', startsAt: monday, endsAt: null },
        'test',
      ),
    );
    await book.passTo(day('2026-03-20'));
    expect(book.office.letters).toEqual([]);
    for (const id of ids) expect(await caseOf(id)).toMatchObject({ state: 'with_people', attention: 'held' });
    await book.tx(tx => liftHold(tx, 'hld_1', 'dismissed', 'test', book.clock.now()));
    await book.passTo(day('2026-03-24'));
    expect(book.office.letters).toHaveLength(1);
  });

  test('placed while a letter is being claimed stops it before its body', async () => {
    await book.customer('cus_1');
    await book.invoice('INV-1', { customer: 'cus_1' });
    book.office.onRecipient = async () => {
      book.office.onRecipient = undefined;
      await book.tx(tx =>
        placeHold(
          tx,
          {
            id: 'hld_1',
            kind: 'legal_stay',
            scope: 'customer',
            customerId: 'cus_1',
            reason: 'insolvency',
            startsAt: book.clock.now(),
            endsAt: null,
          },
          'test',
        ),
      );
    };
    await book.passTo(day('2026-03-04'));
    expect(book.office.letters).toEqual([]);
  });
});

describe('an address that does not work', () => {
  test('is not written to again; with a telephone left, a person looks for another address', async () => {
    await book.customer('cus_1', { email: 'gone@old.example', phone: '+442079460001' });
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    book.office.refusals.set('gone@old.example', '550 5.1.1 no such mailbox');
    await book.passTo(day('2026-03-31'));
    expect(book.office.letters).toEqual([]);
    expect(await caseOf(id)).toMatchObject({ state: 'with_people', attention: 'no_recipient' });
    expect((await notices()).map(notice => notice.state)).toEqual(['not_sent']);
  });

  test('the only way to a customer: the case waits for a person as suppressed', async () => {
    await book.customer('cus_1', { email: 'gone@old.example' });
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    book.office.refusals.set('gone@old.example', '550 5.1.1 no such mailbox');
    await book.passTo(day('2026-03-31'));
    expect(await caseOf(id)).toMatchObject({ state: 'with_people', attention: 'suppressed' });
  });

  test('that bounces later is no contact: the stage goes to another contact of the customer', async () => {
    await book.customer('cus_1', { email: 'gone@old.example' });
    await book.tx(tx =>
      tx.run(
        sql`insert into contacts (tenant_id, customer_id, id, role, name, email) values ('acme', 'cus_1', 'c2', 'billing', 'Bo', 'bo@new.example')`,
      ),
    );
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-02'));
    const [sent] = await book.rows<{ message_id: string }>(sql`select message_id from notices`);
    await book.tx(tx => noticeBounced(tx, sent?.message_id ?? '', { reason: '5.1.1', by: 'test', at: book.clock.now() }));
    await book.passTo(day('2026-03-03'));
    expect(book.office.letters.map(letter => letter.to)).toEqual(['gone@old.example', 'bo@new.example']);
    expect(book.stagesSent(id)).toEqual(['friendly', 'friendly']);
  });

  test('a customer without any contact is nobody to write to: a person is asked', async () => {
    await book.customer('cus_1', { email: null });
    const id = await book.invoice('INV-1', { customer: 'cus_1' });
    await book.passTo(day('2026-03-31'));
    expect(await caseOf(id)).toMatchObject({ state: 'with_people', attention: 'no_recipient' });
  });
});
