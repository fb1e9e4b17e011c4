// main.ts: runs one stand-in vendor as a process of its own, so that it can be killed, and so that its witness is nobody
// else's. Prints one JSON line when it is ready: {name, port, url, adminUrl}. Ends on SIGTERM or SIGINT;
// a launcher that left it running finds it again by its pid.
import { parseArgs } from 'node:util';
import type { StandIn, StandInOptions } from './frame.ts';
import { startKixie } from './kixie.ts';
import { startPlatform } from './platform.ts';
import { startPremium } from './premium.ts';
import { startSmtp } from './smtp.ts';

const usage = `node --import tsx local/vendors/main.ts NAME --dir DIR [--port N] [--host H] [--seed N] [--deliveries clock|word]
  NAME: kixie [--key K] [--business B], platform [--partner P], premium, smtp [--admin-port N] [--user U] [--password P]`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: 'string' },
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    seed: { type: 'string', default: '1' },
    deliveries: { type: 'string', default: 'clock' },
    key: { type: 'string' },
    business: { type: 'string' },
    partner: { type: 'string' },
    user: { type: 'string' },
    password: { type: 'string' },
    'admin-port': { type: 'string', default: '0' },
  },
});

function wrongUse(found: string): never {
  process.stderr.write(`${found}\n${usage}\n`);
  process.exit(2);
}

async function start(name: string | undefined): Promise<StandIn> {
  const dir = values.dir ?? wrongUse('found no --dir, expected a folder for the witness');
  const deliveries = values.deliveries;
  if (deliveries !== 'clock' && deliveries !== 'word') wrongUse(`found --deliveries ${deliveries}, expected clock or word`);
  const shared: StandInOptions = { dir, port: Number(values.port), host: values.host, seed: Number(values.seed), deliveries };
  switch (name) {
    case 'kixie':
      return startKixie({
        ...shared,
        ...(values.key ? { apiKey: values.key } : {}),
        ...(values.business ? { businessId: values.business } : {}),
      });
    case 'platform':
      return startPlatform({ ...shared, ...(values.partner ? { partnerId: values.partner } : {}) });
    case 'premium':
      return startPremium(shared);
    case 'smtp': {
      const login = values.user === undefined ? {} : { user: values.user, password: values.password ?? '' };
      return startSmtp({ ...shared, ...login, adminPort: Number(values['admin-port']) });
    }
    default:
      return wrongUse(`found "${name ?? ''}", expected kixie, platform, premium or smtp`);
  }
}

const standIn = await start(positionals[0]);
let ending = false;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await standIn.close();
  process.exit(0);
}
process.once('SIGTERM', () => void end());
process.once('SIGINT', () => void end());

const { name, port, url, adminUrl } = standIn;
process.stdout.write(`${JSON.stringify({ name, port, url, adminUrl })}\n`);
