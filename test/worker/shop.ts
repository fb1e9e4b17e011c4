// shop.ts: a book whose cases are looked after by the real worker, on a real Temporal server, with the dispatcher and the
// sweeper beside it. Business time stands until the test moves it; workflows sleep on real timers and are rung.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { createCaseStarter } from '../../activities/intake/case-starter.ts';
import { startIntake } from '../../client/dunning-client.ts';
import { addDays, instantAt, localDateAt } from '../../domain/time.ts';
import { type CodecKeys, dataConverter } from '../../formats/payload-codec.ts';
import { readSettings } from '../../store/settings.ts';
import { nextInstant, underWay } from '../../store/standing.ts';
import { staleCases } from '../../store/sweep.ts';
import { wakeInvoices } from '../../store/wakes.ts';
import { workflowBundle } from '../../worker/bundle.ts';
import { composeActivities } from '../../worker/compose.ts';
import { createWorker } from '../../worker/create-worker.ts';
import { type Dispatcher, startDispatcher } from '../../worker/dispatcher.ts';
import { sweep, type SweeperDeps, type SweepReport } from '../../worker/sweeper.ts';
import { installRuntime } from '../../worker/telemetry.ts';
import { startTestTemporal, type TestTemporal } from '../support/temporal.ts';
import { type Book, openBook, quiet, zone } from '../walks/book.ts';

export type Shop = {
  readonly book: Book;
  readonly temporal: TestTemporal;
  readonly client: Client;
  readonly sweeperDeps: SweeperDeps;
  startDispatcher(): void;
  stopDispatcher(): Promise<void>;
  sweep(): Promise<SweepReport>;
  /** Starts intake and waits until every case that is due has a running workflow that took its first step. */
  openCases(): Promise<void>;
  /** Moves business time and lets the workers do what is due on the way. Needs the dispatcher. */
  passTo(until: number): Promise<void>;
  /** Waits for what must come; throws with `what` when it does not come within 20 s. */
  until(what: string, holds: () => Promise<boolean>): Promise<void>;
  /** As the server calls it: RUNNING, COMPLETED, TERMINATED ... */
  statusOf(workflowId: string): Promise<string>;
  stop(): Promise<void>;
};

export type ShopOptions = { readonly maxCachedWorkflows?: number; readonly codecKeys?: CodecKeys };

export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  installRuntime(quiet, undefined);
  const [book, temporal] = await Promise.all([openBook(), startTestTemporal()]);
  const { address, namespace } = temporal;
  const connection = await NativeConnection.connect({ address });
  const converter = dataConverter(options.codecKeys ?? []);
  const client = new Client({ connection: await Connection.connect({ address }), namespace, dataConverter: converter });
  const settings = readSettings([], { SMTP_URL: book.office.url, DUNLIN_STAGE_ATTRIBUTES: 'each_stage' });
  const deps = { database: book.db.app, client, clock: book.clock, log: quiet };
  const worker = await createWorker({
    connection,
    namespace,
    activities: composeActivities({ ...deps, settings, codeVersion: 'test' }),
    bundlePath: await workflowBundle(join(tmpdir(), 'dunlin-test-bundles')),
    dataConverter: converter,
    identity: 'test-worker',
    ...(options.maxCachedWorkflows === undefined ? {} : { maxCachedWorkflows: options.maxCachedWorkflows }),
  });
  const running = worker.run();
  const sweeperDeps = { ...deps, starter: createCaseStarter(client), tenants: [book.tenant], removeFromLists: async () => 0 };
  let dispatcher: Dispatcher | undefined;
  const shop: Shop = {
    book,
    temporal,
    client,
    sweeperDeps,
    startDispatcher: () => {
      dispatcher ??= startDispatcher({ database: book.db.dispatch, client, log: quiet, pollMs: 100 });
    },
    stopDispatcher: async () => {
      await dispatcher?.stop();
      dispatcher = undefined;
    },
    sweep: () => sweep(sweeperDeps, book.tenant),
    openCases: async () => {
      await startIntake(client, book.tenant);
      await shop.until('intake', async () => {
        const { intake, starting, cases } = await owed(book);
        return intake + starting + cases === 0;
      });
    },
    passTo: async until => pass(shop, until),
    until: async (what, holds) => {
      const deadline = Date.now() + 20_000;
      while (!(await holds())) {
        if (Date.now() > deadline) throw new Error(`within 20 s this did not come: ${what}`);
        await sleep(25);
      }
    },
    statusOf: async workflowId => (await client.workflow.getHandle(workflowId).describe()).status.name,
    stop: async () => {
      await dispatcher?.stop();
      worker.shutdown();
      await running;
      await Promise.all([client.connection.close(), connection.close()]);
      await book.stop();
      await temporal.stop();
    },
  };
  return shop;
}

const owed = ({ clock, tx }: Book) => tx(inner => underWay(inner, clock.now(), localDateAt(clock.now(), zone)));

/** Rings the cases whose moment has come, as the driver of the demo does: their timers run by the real clock. */
async function ring({ clock, tx }: Book): Promise<void> {
  await tx(async inner => {
    const due = await staleCases(inner, clock.now() + 1, 0);
    const ids = due.map(row => row.invoice_id);
    await wakeInvoices(inner, ids, 'clock', `clock-${clock.now()}`);
  });
}

async function pass(shop: Shop, until: number): Promise<void> {
  const { book, client } = shop;
  for (;;) {
    if ((await owed(book)).intake > 0) await startIntake(client, book.tenant);
    await shop.until(`nothing is owed at ${new Date(book.clock.now()).toISOString()}`, async () =>
      Object.values(await owed(book)).every(count => count === 0),
    );
    if (book.clock.now() >= until) return;
    const next = await book.tx(tx => nextInstant(tx, book.clock.now()));
    const midnight = instantAt(addDays(localDateAt(book.clock.now(), zone), 1), 0, zone);
    book.clock.set(Math.min(next ?? until, midnight, until));
    await ring(book);
  }
}
