/** A Catena over HTTP whose second steps fail for inputs that begin with "bad", until they are mended. */
import { Effect } from "effect";
import { Catena, ProviderFailure, type RuntimeOptions } from "../../../../src/index.ts";
import { chainOf, newScript, type Work } from "../../support/chains.ts";
import { admin, ask, holderOf, quick } from "./api.ts";

const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "canary-9" });
export const reader = holderOf("reader", ["read"]);
export const tenant = holderOf("t", ["submit", "read", "operate"], "acme");

export const startBreaking = async (options: RuntimeOptions = {}) => {
  const mended = { isDone: false };
  const work: Work = (input) =>
    input.startsWith("bad") && !mended.isDone ? Effect.fail(down) : Effect.succeed(input);
  const script = () => newScript({ second: work });
  const catena = await Catena.start({
    ...quick,
    pipelines: [chainOf(script()), chainOf(script(), {}, "other")],
    http: { keys: [admin.key, reader.key, tenant.key] },
    ...options,
  });
  const submit = async (path: string, input: string, secret = admin.secret): Promise<string> => {
    const body = JSON.stringify(input);
    const told = await ask(catena, path, { body, secret, headers: { prefer: "wait=10" } });
    return told.json.job_id;
  };
  return { catena, mended, submit };
};
