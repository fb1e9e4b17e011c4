// progress.ts: one line per thing, on stderr, so that stdout stays the answer. Long work on a terminal rewrites its line;
// elsewhere it says where it is every quarter of a minute.
export type Say = (line: string) => void;

export const sayOnStderr: Say = line => void process.stderr.write(`${line}\n`);

/** Wraps long work: `update` may be called as often as it likes. */
export async function withProgress<T>(say: Say, title: string, work: (update: (detail: string) => void) => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const seconds = () => Math.round((performance.now() - startedMs) / 1000);
  const rewrites = say === sayOnStderr && process.stderr.isTTY && !process.env['NO_COLOR'];
  let detail = '';
  const show = () => {
    const line = `${title}: ${seconds()} s${detail && `, ${detail}`}`;
    if (rewrites) process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    else say(line);
  };
  if (rewrites) show();
  else say(title);
  const timer = setInterval(show, rewrites ? 500 : 15_000);
  let ended = 'failed after';
  try {
    const result = await work(next => {
      detail = next;
    });
    ended = 'done in';
    return result;
  } finally {
    clearInterval(timer);
    if (rewrites) process.stderr.write('\r\u001b[K');
    say(`${title}: ${ended} ${seconds()} s`);
  }
}
