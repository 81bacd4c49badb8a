const DAY_MS = 86_400_000;
const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };
const MAX_DAYS = 366;

/** What {@link parseDuration} takes. */
export const DURATION_TAKES = `a whole number of s, m, h or d such as 15m or 24h, at most ${MAX_DAYS}d`;

/** The milliseconds that a text such as `90s` or `24h` stands for; none where it stands for no time. */
export function parseDuration(text: string): number | undefined {
  const [, count = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? 0);
  return milliseconds > 0 && milliseconds <= MAX_DAYS * DAY_MS ? milliseconds : undefined;
}
