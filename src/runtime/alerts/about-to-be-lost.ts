/**
 * Answers that are paid and may be removed by their provider before we have them. A prediction may have
 * ended any time after a look last showed it open: from then on its answer can be lost. The same goes for
 * all of a provider's when its rate lets them be looked at too rarely.
 */
import type { ProviderLimits } from "../../steps/model-client.ts";
import type { LongOpen, OpenPredictions } from "../journal-vitals.ts";
import type { PredictionSight } from "../predictions/prediction-watcher.ts";
import { inWords, type Reading, someOf } from "./alert.ts";
import type { AlertSettings } from "./alert-settings.ts";

export interface AtRisk {
  /** Of this process; no younger one can be at risk. */
  readonly predictions: OpenPredictions;
  readonly sightOf: (key: string) => PredictionSight | undefined;
  /** Undefined where this process has no client of the name; null where its client has no limits. */
  readonly limitsOf: (provider: string) => ProviderLimits | null | undefined;
  /** The longest wait (ms) between two looks. */
  readonly maxPollMs: number;
  readonly now: number;
}

type Settings = NonNullable<AlertSettings["aboutToBeLost"]>;

/** Of a provider that nobody here can ask, the worst is assumed. */
const unknownKeepsMs = 3_600_000;
const defaultShare = 0.75;

/** After how long (ms) a provider's answers count as at risk. */
const afterMsOf = (limits: ProviderLimits | null | undefined, { afterMs }: Settings): number =>
  afterMs ?? (limits?.keepsMs ?? unknownKeepsMs) * defaultShare;

/** The shortest of these times (ms), over all providers: what is younger is of no interest. */
export const shortestAfterMs = (
  limits: ReadonlyArray<ProviderLimits | null>,
  settings: Settings,
): number =>
  Math.min(afterMsOf(undefined, settings), ...limits.map((one) => afterMsOf(one, settings)));

interface Exposed {
  readonly row: LongOpen;
  readonly unseenMs: number;
}

export const aboutToBeLost = (risk: AtRisk, settings: Settings): ReadonlyArray<Reading> => {
  const { counts, longOpen } = risk.predictions;
  return [...counts].flatMap(([provider, open]) => {
    const limits = risk.limitsOf(provider);
    if (limits === null) return [];
    const afterMs = afterMsOf(limits, settings);
    const keepsMs = limits?.keepsMs ?? unknownKeepsMs;
    const exposed = longOpen
      .filter((row) => row.provider === provider)
      .map((row) => ({ row, unseenMs: unseenMsOf(row, risk) }));
    const isKnown = limits !== undefined;
    const unseen = unseenReading(provider, exposed, { afterMs, keepsMs, isKnown });
    if (limits === undefined) return [unseen];
    const turnMs = Math.max(risk.maxPollMs, (open / limits.looksPerMinute) * 60_000);
    return [unseen, turnReading(provider, { turnMs, afterMs, open })];
  });
};

/** How long (ms) it may have been over without being seen. */
const unseenMsOf = ({ key, intendedAt }: LongOpen, { sightOf, now }: AtRisk): number => {
  const sight = sightOf(key);
  return Math.max(now - (sight?.endedAt ?? sight?.openAt ?? intendedAt), 0);
};

interface Bounds {
  readonly afterMs: number;
  readonly keepsMs: number;
  readonly isKnown: boolean;
}

const unseenReading = (
  provider: string,
  exposed: ReadonlyArray<Exposed>,
  { afterMs, keepsMs, isKnown }: Bounds,
): Reading => {
  const late = exposed
    .filter(({ unseenMs }) => unseenMs >= afterMs)
    .toSorted((left, right) => right.unseenMs - left.unseenMs);
  const value = Math.max(...exposed.map(({ unseenMs }) => unseenMs), 0);
  const leftMs = Math.max(keepsMs - value, 0);
  const named = someOf(
    late.map(({ row }) => `${row.predictionId ?? "one without an id"} of job ${row.jobId}`),
  );
  return {
    name: "about-to-be-lost",
    subject: `provider ${provider}`,
    what:
      late.length === 0
        ? `all paid answers of ${provider} were looked at lately`
        : `${late.length} paid ${late.length === 1 ? "answer" : "answers"} of ${provider} may be gone in ${inWords(leftMs)}: ${named}`,
    value,
    threshold: afterMs,
    state: late.length > 0 ? "bad" : "good",
    action: isKnown
      ? `See that ${provider} answers, with this token, and that the stores take writes.`
      : `No client of ${provider} is configured here: add it, and the predictions are looked at.`,
  };
};

interface Turn {
  readonly turnMs: number;
  readonly afterMs: number;
  readonly open: number;
}

const turnReading = (provider: string, { turnMs, afterMs, open }: Turn): Reading => ({
  name: "about-to-be-lost",
  subject: `polling ${provider}`,
  what: `${open} open predictions of ${provider} are looked at each ${inWords(turnMs)} at the rate it allows`,
  value: turnMs,
  threshold: afterMs,
  state: turnMs >= afterMs ? "bad" : "good",
  action:
    "Give http.publicUrl, so that webhooks tell what has ended; or run fewer jobs at once, or raise looksPerMinute.",
});
