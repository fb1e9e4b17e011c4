// wall-clock.ts: what a clock on a wall shows, by the browser's own formatter and not by the code under test.
const formats = new Map<string, Intl.DateTimeFormat>();

export type Shown = { readonly date: string; readonly weekday: string; readonly minute: number };

export function shownAt(at: number, zone: string): Shown {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  formats.set(zone, format);
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return {
    date: `${part['year']}-${part['month']}-${part['day']}`,
    weekday: String(part['weekday']).toLowerCase(),
    minute: Number(part['hour']) * 60 + Number(part['minute']),
  };
}

/** Calendar days from one "YYYY-MM-DD" to another. */
export function daysFrom(first: string, second: string): number {
  return Math.round((Date.parse(second) - Date.parse(first)) / 86_400_000);
}
