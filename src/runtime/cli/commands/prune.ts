/** `catena prune`: takes away what is older than the ages of the config, whoever runs the jobs. */
import { Effect } from "effect";
import { Command, Flag } from "effect/cli";
import { hasAges, retentionPolicy } from "../../retention/policy.ts";
import { prune as takeAway, type Pruned, type PruneReport } from "../../retention/prune.ts";
import { asUsage, UsageError } from "../ending.ts";
import { loadProject } from "../project.ts";
import { duration } from "../render/amounts.ts";
import { table } from "../render/table.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";
import { openRetention } from "../store-retention.ts";

const words = {
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Count what would go, and take nothing"),
    Flag.withDefault(false),
  ),
};

const pruneStore = Effect.fnUntraced(function* ({ dryRun }: { readonly dryRun: boolean }) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const { options, configPath } = yield* loadProject();
  const policy = yield* asUsage(Effect.sync(() => retentionPolicy(options.retention)));
  if (!hasAges(policy)) {
    const message = `Everything is kept for ever: ${configPath} sets no age in "retention", such as { rawAnswers: "30 days" }.`;
    return yield* new UsageError({ message });
  }
  const report = yield* takeAway(yield* openRetention(options, policy), { dryRun });
  screen.out(json ? JSON.stringify(report, null, 2) : linesOf(report, screen.width).join("\n"));
});

const linesOf = (
  { isDryRun, jobs, rawAnswers, assets }: PruneReport,
  width: number,
): ReadonlyArray<string> => {
  const rows = [jobs, rawAnswers, assets];
  const columns = [
    { title: isDryRun ? "WOULD GO" : "GONE", cells: ["jobs", "raw answers", "assets"] },
    { title: "OLDER THAN", cells: rows.map(ageOf), isRight: true },
    { title: "NUMBER", cells: rows.map(({ count }) => `${count}`), isRight: true },
    { title: "BYTES", cells: rows.map(({ bytes }) => `${bytes}`), isRight: true },
  ];
  return table(columns, width);
};

const ageOf = ({ ageMs }: Pruned): string => (ageMs === null ? "kept for ever" : duration(ageMs));

export const prune = Command.make("prune", words, (input) => Effect.scoped(pruneStore(input))).pipe(
  Command.withDescription("Take away what is older than the config's retention ages"),
  Command.withExamples([{ command: "catena prune --dry-run" }]),
);
