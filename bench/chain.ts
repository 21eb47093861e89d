/** What every measurement runs: chains of steps that take no time and hand on 1 KB each. */
import { Schema } from "effect";
import type { AnySchema } from "../src/steps/step.ts";
import { type Catena, type Job, type Pipeline, Step } from "../src/index.ts";

export interface Page {
  readonly index: number;
  readonly text: string;
}
export const Page: AnySchema<Page> = Schema.Struct({ index: Schema.Number, text: Schema.String });

/** With the rest of its JSON the page is 1 KB. */
const text = "The quick brown fox jumps over the lazy dog. ".repeat(23).slice(0, 1000);

export const firstPage: Page = { index: 0, text };

/** The work of one step: next to none, so that what is measured is everything around it. */
export const turn = ({ index }: Page): Page => ({ index: index + 1, text });

export type PagePipeline = Pipeline<string, Page, Page, never, never>;

export interface ChainOptions {
  readonly length: number;
  /** What each step does; default `turn`. */
  readonly run?: (page: Page, position: number) => Page | Promise<Page>;
}

/** A chain of that many steps, one schema all along. Its plan is what `Pipeline.make(...).step(...)` would build. */
export const chainOf = ({ length, run = turn }: ChainOptions): PagePipeline => {
  const nodes = Array.from({ length }, (_, position) => {
    const path = `step-${position + 1}`;
    const step = Step.make(path, { input: Page, output: Page, run: (page) => run(page, position) });
    return { kind: "step", path, step, mapper: undefined } as const;
  });
  const name = `chain-of-${length}`;
  const output = { schema: Page, map: () => firstPage };
  return { name, plan: { name, version: 1, input: Page, nodes, output } };
};

/** Runs a chain from submit to its result. */
export const runChain = async (catena: Catena, pipeline: PagePipeline): Promise<Page> => {
  const job: Job<Page, never> = await catena.submit(pipeline, firstPage);
  return job.result();
};

/** Calls the work `total` times, `width` at a time; answers how many a second. */
export const perSecond = async (
  { total, width }: { readonly total: number; readonly width: number },
  work: () => Promise<unknown>,
): Promise<number> => {
  let left = total;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      // Each worker does one thing after another: that is what bounds how many run at once.
      await work();
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: width }, worker));
  return (total * 1000) / (performance.now() - begun);
};
