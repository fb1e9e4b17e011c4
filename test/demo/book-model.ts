// book-model.ts: what a book of real invoices should be sent, counted by hand: thirty lines that know nothing of the code.
// Rules: a stage falls due on its day, moves to Monday from a weekend, is dropped when the next stage is due by then, and
// is sent when the invoice was not paid by six in the morning of that day. A case starts five days before the due date.

export type BookRow = { due: number; settled: number };

const day = 86_400_000;
const read = (text: string): number => {
  const [month, date, year] = text.split('/').map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, date) / day;
};
/** 0 = Sunday. */
const weekday = (number: number): number => (number + 4) % 7;
const workday = (number: number): number => number + (weekday(number) === 6 ? 2 : weekday(number) === 0 ? 1 : 0);

export function rowsOf(csv: string, count: number): BookRow[] {
  const [head = '', ...lines] = csv.trim().split(/\r?\n/);
  const at = (name: string) => head.split(',').indexOf(name);
  return lines.slice(0, count).map(line => {
    const cells = line.split(',');
    return { due: read(cells[at('DueDate')] ?? ''), settled: read(cells[at('SettledDate')] ?? '') };
  });
}

export function countBook(
  rows: readonly BookRow[],
  stages: Readonly<Record<string, number>>,
): { started: number; byStage: Record<string, number> } {
  const started = rows.filter(row => row.settled >= row.due - 5);
  const byStage: Record<string, number> = {};
  for (const { due, settled } of started) {
    const days = Object.entries(stages);
    days.forEach(([stage, offset], index) => {
      const leaves = workday(due + offset);
      const next = days[index + 1];
      if (next && due + next[1] <= leaves) return;
      if (leaves < settled) byStage[stage] = (byStage[stage] ?? 0) + 1;
    });
  }
  return { started: started.length, byStage };
}
