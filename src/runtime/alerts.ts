/**
 * Alerts: what an operator should look at, checked on a schedule by every process that runs jobs. What is in
 * the store is the same for all of them; how attempts end is counted by each for itself.
 */
import { Clock, Effect, type Scope } from "effect";
import type { PipelinePlan } from "../machines/plan.ts";
import { aboutToBeLost, shortestAfterMs } from "./alerts/about-to-be-lost.ts";
import type { Alert, AlertChange, AlertName, Reading } from "./alerts/alert.ts";
import { alertEvent } from "./alerts/alert-event.ts";
import { AlertBoard } from "./alerts/alert-board.ts";
import { AlertHistory } from "./alerts/alert-history.ts";
import type { AlertSettings } from "./alerts/alert-settings.ts";
import { budgetUses, type UsedBudget } from "./alerts/budget-use.ts";
import { failureRates } from "./alerts/failure-rate.ts";
import { FailureWindow } from "./alerts/failure-window.ts";
import { letterGrowth } from "./alerts/letter-growth.ts";
import { queueAge } from "./alerts/queue-age.ts";
import { findStuck, stuckJobs } from "./alerts/stuck-jobs.ts";
import { UntoldEvents } from "./alerts/untold-events.ts";
import type { Observation } from "./jobs/job-host.ts";
import type { JournalStore, StoreFailure } from "./journal-store.ts";
import type { Notifications } from "./notifications.ts";
import type { Providers } from "./predictions/providers.ts";

export interface Alerts {
  /** What is raised now, longest first. */
  readonly raised: () => ReadonlyArray<Alert>;
  /** Hears of a commit of this process. */
  readonly note: (observation: Observation) => void;
  /** Looks at everything now; answers what has changed by it. */
  readonly check: Effect.Effect<ReadonlyArray<AlertChange>>;
}

export interface AlertHost {
  readonly owner: string;
  readonly store: JournalStore["Service"];
  readonly providers: Pick<Providers, "sightOf" | "client" | "clients">;
  readonly notifications: Pick<Notifications, "raise">;
  /** Subscriptions that are told when an alert is raised and when it is cleared. */
  readonly hearing: ReadonlySet<string>;
  /** How far today's budgets are used; absent where there are none. */
  readonly budgets?: Effect.Effect<ReadonlyArray<UsedBudget>, StoreFailure>;
  readonly plans: ReadonlyArray<PipelinePlan>;
  /** By `name@version`. */
  readonly isDeployed: (key: string) => boolean;
  /** The longest wait (ms) between two looks at a prediction. */
  readonly maxPollMs: number;
}

/** Looks at everything again and again, for as long as the scope lives. */
export const makeAlerts = Effect.fnUntraced(function* (
  host: AlertHost,
  settings: AlertSettings | null,
): Effect.fn.Return<Alerts, never, Scope.Scope> {
  if (settings === null) return noAlerts;
  const watch = new AlertWatch(host, settings);
  yield* Effect.forkScoped(watch.regularly);
  return watch;
});

/** Where all of them are off, or this process takes no work by itself. */
const noAlerts: Alerts = {
  raised: () => [],
  note: () => undefined,
  check: Effect.succeed([]),
};

type Check = Effect.Effect<ReadonlyArray<Reading>, StoreFailure>;

class AlertWatch implements Alerts {
  readonly #host: AlertHost;
  readonly #settings: AlertSettings;
  readonly #board = new AlertBoard();
  readonly #history = new AlertHistory();
  readonly #untold: UntoldEvents;
  #isHistoryRead = false;
  readonly #window: FailureWindow | null;

  constructor(host: AlertHost, settings: AlertSettings) {
    this.#host = host;
    this.#settings = settings;
    this.#untold = new UntoldEvents(host.notifications);
    const { failureRate } = settings;
    this.#window = failureRate && new FailureWindow(failureRate.windowMs, host.plans);
  }

  readonly raised = () => this.#board.alerts();

  readonly note = (observation: Observation): void => {
    this.#window?.note(observation);
  };

  /** Never returns. */
  get regularly(): Effect.Effect<void> {
    const once = Effect.andThen(Effect.sleep(this.#settings.everyMs), this.check);
    const safely = Effect.catchDefect(once, (defect) => Effect.logError("alerts broke", defect));
    return Effect.forever(safely);
  }

  get check(): Effect.Effect<ReadonlyArray<AlertChange>> {
    return Effect.gen({ self: this }, function* () {
      const now = yield* Clock.currentTimeMillis;
      if (!this.#isHistoryRead) yield* Effect.ignore(this.#readHistory);
      const readings: Array<Reading> = [];
      const unknown = new Set<AlertName>();
      for (const [name, check] of this.#checks(now)) {
        const found = yield* Effect.result(check);
        if (found._tag === "Success") readings.push(...found.success);
        // A store that cannot be read says so by itself; what was raised stays as it is.
        else unknown.add(name);
      }
      const changes = this.#board.update(readings, unknown, now);
      yield* Effect.forEach(changes, (change) => this.#note(change), { discard: true });
      yield* this.#tell;
      return changes;
    });
  }

  /** What cannot be read now is read with the next check. Fails with: StoreFailure. */
  get #readHistory(): Effect.Effect<void, StoreFailure> {
    return Effect.map(this.#history.read(this.#host), (open) => {
      this.#isHistoryRead = true;
      for (const alert of open) this.#board.inherit(alert);
    });
  }

  /** What cannot be told now is told with a later check. */
  get #tell(): Effect.Effect<void> {
    const later = (failure: StoreFailure) =>
      Effect.logWarning(`an alert is told later: ${failure.message}`);
    return this.#untold.tell.pipe(Effect.catch(later));
  }

  #note(change: AlertChange): Effect.Effect<void> {
    const { name, subject, what, action } = change.alert;
    const said = `alert ${change.type}: ${[name, subject].filter(Boolean).join(" ")}: ${what}`;
    this.#settings.onAlert(change);
    const logged =
      change.type === "raised" ? Effect.logWarning(`${said}. ${action}`) : Effect.logInfo(said);
    const lastAt = this.#history.note(change);
    const { everyMs } = this.#settings;
    this.#untold.add(alertEvent(change, { owner: this.#host.owner, lastAt, everyMs }));
    return logged;
  }

  #checks(now: number): ReadonlyArray<readonly [AlertName, Check]> {
    const { failureRate, queueAge: queue, stuckJobs: stuck, deadLetters } = this.#settings;
    const { store, isDeployed } = this.#host;
    const checks: Array<readonly [AlertName, Check]> = [];
    const window = this.#window;
    if (failureRate !== null && window !== null)
      checks.push([
        "failure-rate",
        Effect.sync(() => failureRates(window.ended(now), failureRate)),
      ]);
    if (queue !== null)
      checks.push([
        "queue-age",
        Effect.map(store.oldestPending, (first) => queueAge(first, queue, { now, isDeployed })),
      ]);
    if (stuck !== null)
      checks.push([
        "stuck-jobs",
        Effect.zipWith(findStuck(store, stuck, now), store.oldestMessage, (found, message) =>
          stuckJobs(found, message, { settings: stuck, now }),
        ),
      ]);
    if (deadLetters !== null)
      checks.push([
        "dead-letters",
        Effect.map(store.letterCount({ diedFrom: now - deadLetters.windowMs }), (died) => [
          letterGrowth(died, deadLetters),
        ]),
      ]);
    const { aboutToBeLost: lost, budget } = this.#settings;
    const { budgets } = this.#host;
    if (budget !== null && budgets !== undefined)
      checks.push(["budget", Effect.map(budgets, (used) => budgetUses(used, budget))]);
    if (lost !== null) checks.push(["about-to-be-lost", this.#lost(lost, now)]);
    return checks;
  }

  #lost(settings: NonNullable<AlertSettings["aboutToBeLost"]>, now: number): Check {
    const { store, owner, providers, maxPollMs } = this.#host;
    const limitsOf = (provider: string) => {
      const client = providers.client(provider);
      return client === undefined ? undefined : (client.limits ?? null);
    };
    const all = providers.clients.map(({ limits }) => limits ?? null);
    const before = now - shortestAfterMs(all, settings);
    return Effect.map(store.open(owner, before), (predictions) =>
      aboutToBeLost(
        { predictions, sightOf: providers.sightOf, limitsOf, maxPollMs, now },
        settings,
      ),
    );
  }
}
