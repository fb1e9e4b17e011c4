// programs.ts: the processes a benchmark starts beside its house. Each prints one JSON line when it is ready; what it has
// to tell later is asked over HTTP.
import { readFileSync } from 'node:fs';
import type { House } from '../local/house.ts';
import { saidReady, startProgram } from '../local/processes.ts';

export type Program = { readonly pid: number; readonly said: Readonly<Record<string, unknown>> };

/** Starts `entry` (from the root of the checkout) and waits for its line. */
export async function launch(
  house: House,
  program: { name: string; entry: string; args?: readonly string[]; env?: Readonly<Record<string, string | undefined>> },
): Promise<Program> {
  const service = await startProgram(house, { ...program, env: program.env ?? {}, ready: saidReady });
  const { pid } = service.process;
  const line = readFileSync(service.log, 'utf8')
    .split('\n')
    .findLast(text => text.startsWith(`{"ready":true,"pid":${pid}`));
  return { pid, said: JSON.parse(line ?? '{}') as Record<string, unknown> };
}

/** What a program answers on the port it said. */
export async function ask<Answer>(program: Program): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${String(program.said['port'])}/`);
  return (await answer.json()) as Answer;
}
