/** How these tests talk to an emulator: plain HTTP for what the official client hides, the client for the rest. */
import Replicate from "replicate";
import { expect, onTestFinished } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../emulator/src/emulator.ts";

export const LLAMA = "meta/meta-llama-3-8b-instruct";
export const FLUX = "black-forest-labs/flux-schnell";
export const NSFW_VERSION =
  "falcons-ai/nsfw_image_detection:97116600cabd3037e5f22ca08ffcc33b92cfacebf7ccd3609e9c1d29e43d3a8d";
export const CONCEPT_PROMPT =
  "Write ad copy.\nProduct: Ventor running shoes\nAudience: Trail runners\nValue proposition: Ultralight";

/** What a prediction looks like on the wire, as far as these tests read it. */
export interface WirePrediction {
  readonly id: string;
  readonly status: string;
  readonly version: string;
  readonly created_at: string;
  readonly logs: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly output?: unknown;
  readonly error?: string | null;
  readonly data_removed: boolean;
  readonly metrics?: Readonly<Record<string, number>>;
  readonly urls: { readonly get: string; readonly cancel: string };
}

export interface WirePage {
  readonly results: readonly WirePrediction[];
  readonly next: string | null;
  readonly previous: string | null;
}

/** An emulator with canned answers that lists at once, stopped when the test is over. */
export async function instantEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ models: "instant", listLagMs: 0, ...options });
  onTestFinished(() => emulator.stop());
  return emulator;
}

/** The official client on this emulator; its own retries are part of what is tested. */
export function clientOf(emulator: Pick<Emulator, "url" | "token">): Replicate {
  return new Replicate({
    auth: emulator.token,
    baseUrl: `${emulator.url}/v1`,
    useFileOutput: false,
  });
}

/** One request with a token; the path may be a whole URL. */
export function call(
  emulator: Pick<Emulator, "url">,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has("authorization")) headers.set("authorization", "Bearer r8_test");
  return fetch(new URL(path, emulator.url), { ...init, headers });
}

export function post(
  emulator: Pick<Emulator, "url">,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return call(emulator, path, { method: "POST", body: JSON.stringify(body), headers });
}

/** Creates a prediction of the language model; body goes beside `input`. */
export async function createConcept(
  emulator: Pick<Emulator, "url">,
  body: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<WirePrediction> {
  const request = { input: { prompt: CONCEPT_PROMPT }, ...body };
  const response = await post(emulator, `/v1/models/${LLAMA}/predictions`, request, headers);
  return wirePrediction(response);
}

export async function getPrediction(
  emulator: Pick<Emulator, "url">,
  id: string,
): Promise<WirePrediction> {
  return wirePrediction(await call(emulator, `/v1/predictions/${id}`));
}

/** Looks until the prediction ended; each look is a request, and a test's own time limit ends a hopeless wait. */
export async function finished(
  emulator: Pick<Emulator, "url">,
  id: string,
): Promise<WirePrediction> {
  for (;;) {
    const prediction = await getPrediction(emulator, id);
    if (!["starting", "processing"].includes(prediction.status)) return prediction;
  }
}

/** Expects of a value that it becomes so, within ten seconds: a busy machine is no failure. */
export function eventually<Value>(look: () => Value | Promise<Value>) {
  return expect.poll(look, { timeout: 10_000, interval: 10 });
}

export async function listed(
  emulator: Pick<Emulator, "url">,
  query: string = "",
): Promise<WirePage> {
  const response = await call(emulator, `/v1/predictions${query}`);
  // The emulator is what is tested: a wrong shape shows in the expectations.
  return (await response.json()) as WirePage;
}

async function wirePrediction(response: Response): Promise<WirePrediction> {
  if (!response.ok) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
  // The emulator is what is tested: a wrong shape shows in the expectations.
  return (await response.json()) as WirePrediction;
}
