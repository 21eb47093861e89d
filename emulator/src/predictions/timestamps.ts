/**
 * Instants as the provider writes them: with 0 to 9 fraction digits. Milliseconds are kept, except where no digits
 * are shown; the digits below them are made up from the prediction's id.
 */
import { seedOf } from "../random.ts";

/** The instant with a number of fraction digits that differs from prediction to prediction and field to field. */
export function variedTimestamp(instantMs: number, id: string, field: string): string {
  const seed = seedOf(`${id} ${field}`);
  const [seconds, milliseconds = "000"] = new Date(instantMs).toISOString().slice(0, -1).split(".");
  // Only created_at may lose its milliseconds: a later field rounded down could come before it.
  const digits = field === "created_at" ? seed % 10 : 3 + (seed % 7);
  if (digits === 0) return `${seconds}Z`;
  const nanoseconds = milliseconds + String(seed).padStart(6, "0").slice(-6);
  return `${seconds}.${nanoseconds.slice(0, digits < 3 ? 3 : digits)}Z`;
}
