/** `catena check`: what can be said of config, environment and pipelines without running anything. */
import { Effect } from "effect";
import { Command } from "effect/cli";
import { checkPlan } from "../../../machines/check-plan.ts";
import type { Finding } from "../../../machines/finding.ts";
import { hopelessModels } from "../../predictions/hopeless-models.ts";
import { engineSettings } from "../../start-engine.ts";
import type { ConfigOptions } from "../config-file.ts";
import { asUsage, Failed } from "../ending.ts";
import { loadProject } from "../project.ts";
import { wrapped } from "../render/amounts.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";

/** A finding and whose it is: `poster@1`, or `config`. */
interface Found extends Finding {
  readonly of: string;
}

const checked = Effect.fnUntraced(function* () {
  const { json } = yield* root;
  const screen = yield* Screen;
  const { options } = yield* loadProject();
  const found = yield* findingsOf(options);
  const names = options.pipelines.map(({ plan: { name, version } }) => `${name}@${version}`);
  const isRefused = found.some(({ severity }) => severity === "error");
  if (json) screen.out(JSON.stringify({ pipelines: names, findings: found }, null, 2));
  else {
    for (const finding of found) screen.out(linesOf(finding, screen).join("\n"));
    const errors = found.filter(({ severity }) => severity === "error").length;
    const counts = `${counted(errors, "error")}, ${counted(found.length - errors, "warning")}`;
    screen.out(`Checked ${names.join(", ")}: ${counts}.`);
  }
  if (isRefused) yield* new Failed();
});

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? "" : "s"}`;

const findingsOf = Effect.fnUntraced(function* (options: ConfigOptions) {
  const found: Array<Found> = options.pipelines.flatMap(({ plan }) =>
    checkPlan(plan).map((finding) => ({ ...finding, of: `${plan.name}@${plan.version}` })),
  );
  // Options are looked at by the rules of every start, which refuses unsound pipelines as well.
  const isSound = found.every(({ severity }) => severity !== "error");
  if (!isSound) return found;
  const hopeless = yield* asUsage(Effect.sync(() => hopelessOf(options))).pipe(
    Effect.catch(({ message }) =>
      Effect.succeed<ReadonlyArray<Found>>([
        { of: "config", where: "", rule: "config", severity: "error", message },
      ]),
    ),
  );
  return [...found, ...hopeless];
});

const hopelessOf = (options: ConfigOptions): ReadonlyArray<Found> => {
  const { plans, models, prices, jobs } = engineSettings(options);
  return hopelessModels(plans, { models, prices, budgets: jobs.budgets });
};

const linesOf = (
  { of, where, rule, severity, message }: Found,
  { width, paint }: Screen["Service"],
): ReadonlyArray<string> => {
  const place = where === "" ? of : `${of} ${where}`;
  return [
    `${paint(severity === "error" ? "red" : "yellow", severity)} ${place} (${rule})`,
    ...wrapped(message, width - 2).map((line) => `  ${line}`),
  ];
};

export const check = Command.make("check", {}, checked).pipe(
  Command.withDescription("Check config and pipelines; exit code 1 where something is an error"),
);
