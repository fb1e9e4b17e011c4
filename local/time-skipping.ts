// time-skipping.ts: the test server whose clock jumps to the next timer, so that sixty days of patience take a second. The
// SDK downloads it; where that host cannot be reached, Maven brings the same server as Java archives.
import { execFile, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheFolder } from './home.ts';
import { withLock } from './lock.ts';
import { answersOn, freePort } from './ports.ts';
import { type Say, sayOnStderr, withProgress } from './progress.ts';
import { onPath } from './temporal-binary.ts';

const javaServerVersion = '1.32.0';

/** What `TestWorkflowEnvironment.createTimeSkipping({ server: { executable } })` takes. */
export type TimeSkippingExecutable =
  | { readonly type: 'existing-path'; readonly path: string }
  | { readonly type: 'cached-download'; readonly downloadDir: string; readonly ttl: '365d' };

const folderOf = () => join(cacheFolder(), `temporal-test-server-${javaServerVersion}`);

// Maven's description of one thing: this archive and all it needs.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dunlin</groupId><artifactId>time-skipping</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.temporal</groupId><artifactId>temporal-test-server</artifactId><version>${javaServerVersion}</version></dependency>
  </dependencies>
</project>
`;

// `exec`, so that ending this process ends the server itself. A short-lived server: the quick compiler, the small collector,
// and the classes as an earlier run left them (without that file it merely starts slower).
const wrapper = `#!/bin/sh
here=$(dirname "$0")
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:SharedArchiveFile="$here/classes.jsa" -cp "$here/lib/*" io.temporal.testserver.TestServer "$1"
`;

async function downloadHostAnswers(): Promise<boolean> {
  if (process.env['HTTPS_PROXY'] ?? process.env['https_proxy']) return true;
  try {
    const { address } = await lookup('temporal.download');
    return await answersOn(443, address, 3_000);
  } catch {
    return false;
  }
}

/**
 * Runs the server once and keeps its loaded classes, which makes every later start three times as quick: the SDK gives it
 * five seconds, and a busy machine needs them. The classes remember their folder, so this comes after the last rename.
 */
async function rememberClasses(folder: string, java: string): Promise<void> {
  const port = await freePort();
  const archive = join(folder, 'classes.jsa');
  const options = [
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    `-XX:ArchiveClassesAtExit=${archive}.new`,
    '-cp',
    join(folder, 'lib', '*'),
  ];
  const server = spawn(java, [...options, 'io.temporal.testserver.TestServer', String(port)], { stdio: 'ignore' });
  const ended = new Promise<void>(resolve => {
    server.once('close', () => resolve());
    server.once('error', () => resolve());
  });
  const until = Date.now() + 30_000;
  while (Date.now() < until && server.exitCode === null && !(await answersOn(port))) await sleep(100);
  server.kill('SIGTERM');
  await ended;
  // A Java that cannot keep them leaves no file: slower, and nothing else.
  if (existsSync(`${archive}.new`)) renameSync(`${archive}.new`, archive);
}

async function bringByMaven(say: Say): Promise<void> {
  const [maven, java] = [onPath('mvn'), onPath('java')];
  if (!maven || !java)
    throw new Error(
      'no time-skipping server: temporal.download cannot be reached, and Maven with Java is not installed. Install both (Debian: apt install maven), or allow the download.',
    );
  const half = `${folderOf()}.${process.pid}`;
  mkdirSync(half, { recursive: true });
  try {
    writeFileSync(join(half, 'pom.xml'), pom);
    await withProgress(say, `Fetching the time-skipping test server ${javaServerVersion} with Maven`, () =>
      promisify(execFile)(maven, ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], { cwd: half, timeout: 600_000 }),
    );
    writeFileSync(join(half, 'time-skipping'), wrapper);
    chmodSync(join(half, 'time-skipping'), 0o755);
    renameSync(half, folderOf());
    await rememberClasses(folderOf(), java);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
}

/** The server's program if it is here already; never installs. */
export async function findTimeSkipping(): Promise<string | undefined> {
  const path = join(folderOf(), 'time-skipping');
  if (existsSync(path)) return path;
  const downloaded = existsSync(cacheFolder())
    ? readdirSync(cacheFolder()).find(name => name.startsWith('temporal-test-server-sdk'))
    : undefined;
  return downloaded && join(cacheFolder(), downloaded);
}

/** The server's program, brought first when it is missing and cannot be downloaded by the SDK. */
export async function provideTimeSkipping(say: Say = sayOnStderr): Promise<TimeSkippingExecutable> {
  const path = join(folderOf(), 'time-skipping');
  if (existsSync(path)) return { type: 'existing-path', path };
  if (await downloadHostAnswers()) {
    mkdirSync(cacheFolder(), { recursive: true });
    return { type: 'cached-download', downloadDir: cacheFolder(), ttl: '365d' };
  }
  return withLock(folderOf(), async () => {
    if (!existsSync(path)) await bringByMaven(say);
    return { type: 'existing-path', path };
  });
}
