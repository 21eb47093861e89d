/** The `Cancel-After` header: the longest life of a prediction, counted from its creation. */

const MINIMUM_MS = 5_000;
const MAXIMUM_MS = 365 * 86_400_000;
const DURATION = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/u;

/** Milliseconds for `30s`, `5m`, `1h30m45s` or a bare number of seconds; undefined where it is none, under 5 s or over a year. */
export function parseCancelAfter(header: string): number | undefined {
  const parts = DURATION.exec(header.trim());
  if (parts === null || header.trim() === "") return undefined;
  const [hours, minutes, seconds] = [parts[1], parts[2], parts[3]].map((digits) =>
    Number(digits ?? 0),
  );
  const durationMs = ((hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1_000;
  return durationMs >= MINIMUM_MS && durationMs <= MAXIMUM_MS ? durationMs : undefined;
}
