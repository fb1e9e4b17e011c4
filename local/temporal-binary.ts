// temporal-binary.ts: the `temporal` program, a whole Temporal server with its web pages in one file. Looked for on PATH,
// then in our cache, then downloaded, and where the download host cannot be reached, built from source with Go.
import { execFile, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { EnvHttpProxyAgent, request } from 'undici';
import { cacheFolder } from './home.ts';
import { withLock } from './lock.ts';
import { type Say, sayOnStderr, withProgress } from './progress.ts';

/** The newest release that `go install` accepts; the download takes the same one, so that everybody runs one version. */
export const temporalVersion = '1.5.1';
/** Server versions before this one lack what the workflows use. */
const oldestServer = [1, 27] as const;

export type TemporalBinary = { readonly path: string; readonly version: string; readonly from: 'PATH' | 'cache' };

const run = promisify(execFile);

/** "1.5.1 (Server 1.29.1, UI 2.42.1)" of a program, undefined when it does not run or its server is too old. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    const version = stdout.trim().replace(/^temporal version /, '');
    const [major = 0, minor = 0] = (/Server (\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
    return major > oldestServer[0] || (major === oldestServer[0] && minor >= oldestServer[1]) ? version : undefined;
  } catch {
    return undefined;
  }
}

export function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map(folder => join(folder, program))
    .find(path => existsSync(path));
}

const cached = () => join(cacheFolder(), `temporal-${temporalVersion}`, 'temporal');

/** The program if it is here already; never installs. */
export async function findTemporal(): Promise<TemporalBinary | undefined> {
  const path = onPath('temporal');
  const version = path && (await versionOf(path));
  if (path && version) return { path, version, from: 'PATH' };
  const here = existsSync(cached()) ? await versionOf(cached()) : undefined;
  return here === undefined ? undefined : { path: cached(), version: here, from: 'cache' };
}

/** Downloads the official archive into `folder`. Throws within seconds when the host cannot be reached. */
async function download(folder: string, update: (detail: string) => void): Promise<void> {
  const os = process.platform === 'darwin' ? 'darwin' : 'linux';
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64';
  let url = `https://temporal.download/cli/archive/v${temporalVersion}?platform=${os}&arch=${arch}`;
  const dispatcher = new EnvHttpProxyAgent({ connect: { timeout: 5_000 } });
  try {
    for (let hop = 0; ; hop++) {
      const answer = await request(url, { dispatcher, headersTimeout: 15_000, bodyTimeout: 60_000 });
      const location = answer.headers['location'];
      if (answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string' && hop < 5) {
        await answer.body.dump();
        url = new URL(location, url).href;
        continue;
      }
      if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`);
      const total = Number(answer.headers['content-length'] ?? 0);
      let seen = 0;
      answer.body.on('data', (part: Buffer) => {
        seen += part.length;
        update(`${(seen / 1e6).toFixed(0)}${total > 0 ? ` of ${(total / 1e6).toFixed(0)}` : ''} MB`);
      });
      await pipeline(Readable.from(answer.body), createWriteStream(join(folder, 'temporal.tar.gz')));
      break;
    }
    await run('tar', ['-xzf', 'temporal.tar.gz', 'temporal'], { cwd: folder });
    rmSync(join(folder, 'temporal.tar.gz'));
  } finally {
    await dispatcher.close();
  }
}

/** About how many packages Go compiles for it: makes the progress a share of something. */
const packagesToCompile = 1_300;

async function buildWithGo(go: string, folder: string, update: (detail: string) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn(go, ['install', '-v', `github.com/temporalio/cli/cmd/temporal@v${temporalVersion}`], {
      cwd: folder,
      env: { ...process.env, GOBIN: folder, GOFLAGS: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let compiled = 0;
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      const lines = text.toString().split('\n').filter(Boolean);
      said = `${said}${text.toString()}`.slice(-4_000);
      if (lines.at(-1)?.startsWith('go: downloading')) update('downloading its modules');
      else {
        compiled += lines.filter(line => !line.startsWith('go: ')).length;
        if (compiled > 0) update(`${compiled} of about ${packagesToCompile} packages compiled`);
      }
    });
    child.once('error', reject);
    child.once('close', code =>
      code === 0 ? resolve() : reject(new Error(`go install ended with ${code}: ${said.trim().slice(-1_000)}`)),
    );
  });
}

/** What to type when it cannot be brought automatically. */
export const howToGetTemporal =
  'install the Temporal CLI (https://docs.temporal.io/cli) or Go 1.24 or later (https://go.dev/dl), or set TEMPORAL_ADDRESS to a running server';

async function bring(say: Say): Promise<void> {
  const target = join(cacheFolder(), `temporal-${temporalVersion}`);
  const half = `${target}.${process.pid}`;
  mkdirSync(half, { recursive: true });
  try {
    let because: string;
    try {
      await withProgress(say, `Downloading the Temporal server ${temporalVersion}`, update => download(half, update));
      because = (await versionOf(join(half, 'temporal'))) ? '' : 'the downloaded program does not run here';
    } catch (error) {
      because = error instanceof Error ? error.message : String(error);
    }
    if (because !== '') {
      const go = onPath('go');
      if (!go)
        throw new Error(`no Temporal server: the download failed (${because}) and Go is not installed. To go on, ${howToGetTemporal}.`);
      say(`That did not work (${because}); building it instead, once, in about three minutes.`);
      await withProgress(say, `Building the Temporal server ${temporalVersion} with Go`, update => buildWithGo(go, half, update));
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(half, target);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

/** The program, brought first when it is missing. Throws with what to install when neither download nor build works. */
export async function provideTemporal(say: Say = sayOnStderr): Promise<TemporalBinary> {
  const found = await findTemporal();
  if (found) return found;
  return withLock(join(cacheFolder(), `temporal-${temporalVersion}`), async () => {
    if (!(await findTemporal())) await bring(say);
    const brought = await findTemporal();
    if (!brought) throw new Error(`the Temporal server in ${cached()} does not run on this machine. To go on, ${howToGetTemporal}.`);
    return brought;
  });
}
