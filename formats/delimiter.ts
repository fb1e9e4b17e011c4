// delimiter.ts: which character separates the columns. Read off the first lines once, then fixed for the file: "1.234,56"
// must not fall apart because a comma could separate too.

const CANDIDATES = [',', ';', '\t', '|'] as const;

/** The candidate that occurs equally often on most lines, quoted text left out; a comma when none does. */
export function sniffDelimiter(sample: string): string {
  const counts = countPerLine(sample);
  let best: { delimiter: string; lines: number; perLine: number } = { delimiter: ',', lines: 0, perLine: 0 };
  for (const [index, delimiter] of CANDIDATES.entries()) {
    const frequency = new Map<number, number>();
    for (const line of counts) {
      const count = line[index] ?? 0;
      if (count > 0) frequency.set(count, (frequency.get(count) ?? 0) + 1);
    }
    for (const [perLine, lines] of frequency) {
      if (lines > best.lines || (lines === best.lines && perLine > best.perLine)) best = { delimiter, lines, perLine };
    }
  }
  return best.delimiter;
}

/** Per line that has any text: how often each candidate stands outside quotes. The last, possibly cut line is left out. */
function countPerLine(sample: string): number[][] {
  const lines: number[][] = [];
  let line = CANDIDATES.map(() => 0);
  let quoted = false;
  let seen = false;
  for (const character of sample) {
    if (character === '"') quoted = !quoted;
    if (!quoted && (character === '\n' || character === '\r')) {
      if (seen) lines.push(line);
      line = CANDIDATES.map(() => 0);
      seen = false;
      continue;
    }
    seen = true;
    const index = quoted ? -1 : CANDIDATES.indexOf(character as (typeof CANDIDATES)[number]);
    if (index >= 0) line[index] = (line[index] ?? 0) + 1;
  }
  if (lines.length < 2 && seen) lines.push(line);
  return lines;
}
