/** `catena graph`: a pipeline's machine as a picture, or with --json all that its steps promise. */
import { Effect } from "effect";
import { Argument, Command, Flag } from "effect/cli";
import { describePipeline } from "../../../machines/describe.ts";
import { toMermaid } from "../../../machines/mermaid.ts";
import { findPipeline, loadProject } from "../project.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";

const words = {
  pipeline: Argument.String("pipeline").pipe(
    Argument.withDescription("Its name; name@version where there are several"),
  ),
  detailed: Flag.Boolean("detailed").pipe(
    Flag.withDescription("Draw what happens within each model step, too"),
    Flag.withDefault(false),
  ),
};

type Words = Command.Command.Config.Infer<typeof words>;

const drawn = Effect.fnUntraced(function* ({ pipeline, detailed: isDetailed }: Words) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const { options } = yield* loadProject();
  const found = yield* findPipeline(options.pipelines, pipeline);
  screen.out(
    json
      ? JSON.stringify(describePipeline(found), null, 2)
      : toMermaid(found, { isDetailed }).trimEnd(),
  );
});

export const graph = Command.make("graph", words, drawn).pipe(
  Command.withDescription("Draw a pipeline's machine as Mermaid; --json describes its steps"),
);
