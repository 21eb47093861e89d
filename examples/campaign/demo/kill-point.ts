/**
 * Dying on purpose: a closed set of points at which the demo kills its own process with SIGKILL, which
 * nothing in it can notice or soften.
 */
import { writeSync } from "node:fs";
import { Effect, Layer } from "effect";
import type { Observation } from "../../../src/index.ts";
import { campaignAssets } from "../campaign.ts";
import { Gallery } from "../gallery.ts";

/**
 * Of a model step: the intent is committed and nothing sent; the POST is answered and the answer not
 * read; the prediction's id, its raw answer, the step's output is committed.
 */
const modelPoints = ["intended", "sent", "accepted", "settled", "committed"] as const;
/** Of a function: its effect has happened and is not committed; its output is committed. */
const runPoints = ["started", "committed"] as const;

export interface KillPoint {
  readonly step: string;
  readonly point: (typeof modelPoints)[number] | (typeof runPoints)[number];
}

/** The point, or the sentence that says why there is no such point. */
export const parseKillPoint = (text: string): KillPoint | string => {
  const [name = "", ...rest] = text.split(":");
  const wanted = rest.join(":");
  const { nodes } = campaignAssets.plan;
  const node = nodes.find(({ path }) => path === name);
  if (node === undefined)
    return `--kill-after is <step>:<point>, got "${text}"; the steps are ${nodes.map(({ path }) => path).join(", ")}`;
  const points = node.step.program.kind === "model" ? modelPoints : runPoints;
  const point = points.find((one) => one === wanted);
  return point === undefined
    ? `--kill-after ${name} has the points ${points.join(", ")}, got "${wanted}"`
    : { step: name, point };
};

/** What the demo hands to Catena, wired so that it dies at the point; without one it changes nothing. */
export interface Killer {
  readonly fetch: typeof globalThis.fetch;
  readonly inspect: (observation: Observation) => void;
  readonly gallery: (layer: Layer.Layer<Gallery>) => Layer.Layer<Gallery>;
}

const entryAt = {
  intended: "PredictionIntended",
  accepted: "PredictionAccepted",
  settled: "PredictionSettled",
  committed: "StepSucceeded",
} as const;

export const makeKiller = (kill: KillPoint | null, die: (kill: KillPoint) => void): Killer => {
  let currentStep: string | null = null;
  const { fetch } = globalThis;
  return {
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      const isCreate = init?.method === "POST" && isCreateRoute(url);
      if (isCreate && kill?.point === "sent" && kill.step === currentStep) die(kill);
      return response;
    },
    inspect: ({ record, entries }) => {
      currentStep = record.currentStep;
      if (kill === null || kill.point === "sent" || kill.point === "started") return;
      const type = entryAt[kill.point];
      if (entries.some((entry) => entry.type === type && entry.path === kill.step)) die(kill);
    },
    gallery: (layer) => (kill?.point === "started" ? deadlyGallery(layer, () => die(kill)) : layer),
  };
};

const isCreateRoute = (url: string | URL | Request): boolean =>
  new URL(url instanceof Request ? url.url : url).pathname.endsWith("/predictions");

const deadlyGallery = (layer: Layer.Layer<Gallery>, die: () => void): Layer.Layer<Gallery> =>
  Layer.effect(
    Gallery,
    Effect.map(Gallery, (gallery) =>
      Gallery.of({
        hang: (picture, key) => Effect.tap(gallery.hang(picture, key), () => Effect.sync(die)),
      }),
    ),
  ).pipe(Layer.provide(layer));

/** Says so, past every buffer, and is gone. */
export const killThisProcess = ({ step, point }: KillPoint): void => {
  writeSync(
    1,
    `\nKilled by itself at ${step}:${point}, with SIGKILL. The next "npm run demo" goes on from there.\n`,
  );
  process.kill(process.pid, "SIGKILL");
};
