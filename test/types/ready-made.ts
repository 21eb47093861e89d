/** What ready-made steps take and return, as the compiler sees it. */
import { Effect, Schema } from "effect";
import {
  Asset,
  type Failure,
  Pipeline,
  ProviderFailure,
  type Step,
  Steps,
} from "../../src/index.ts";
import type { OutputOf, ServicesOf } from "../../src/index.ts";
import { Brief, Concept, Crm } from "./chain.ts";
import { holds, type Same } from "./same.ts";

type Brief = typeof Brief.Type;
type Concept = typeof Concept.Type;
const model = "writers/small";

const text = Steps.llm("text", { model });
holds<Same<typeof text, Step<"text", string, string, Failure, never>>>();

const concept = Steps.llm("concept", {
  model,
  input: Brief,
  output: Concept,
  prompt: ({ product }) => ({ system: "You sell.", prompt: product }),
});
holds<Same<typeof concept, Step<"concept", Brief, Concept, Failure, never>>>();

const image = Steps.image("image", { model, request: { aspect_ratio: "16:9" } });
holds<Same<typeof image, Step<"image", string, Asset, Failure, never>>>();

const caption = Steps.caption("caption", { model });
holds<Same<typeof caption, Step<"caption", Asset, string, Failure, never>>>();

const words = Steps.transcribe("words", { model });
holds<Same<typeof words, Step<"words", Asset, string, Failure, never>>>();
const timed = Steps.transcribe("timed", { model, output: Steps.Transcript });
holds<Same<typeof timed, Step<"timed", Asset, typeof Steps.Transcript.Type, Failure, never>>>();

const extract = Steps.extract("extract", { model, output: Concept });
holds<Same<typeof extract, Step<"extract", string | Asset, Concept, Failure, never>>>();

const list = Steps.classify("list", { model, labels: ["warm", "cool"] });
holds<Same<typeof list, Step<"list", string, "warm" | "cool", Failure, never>>>();
const record = Steps.classify("record", { model, labels: { warm: "…", cool: "…" } });
holds<Same<typeof record, Step<"record", string, "warm" | "cool", Failure, never>>>();

const check = Steps.moderate("check", { model });
const checkText = check.as("check-text", Schema.String);
holds<Same<typeof checkText, Step<"check-text", string, string, Failure, never>>>();
const checkConcept = check.as("check-concept", Concept, ({ headline }) => headline);
holds<Same<typeof checkConcept, Step<"check-concept", Concept, Concept, Failure, never>>>();

const Short = Schema.Literals(["warm", "cool"]);
const fits = Steps.validate("fits", { input: Schema.String, schema: Short });
type Unpaid = Exclude<Failure, ProviderFailure>;
holds<Same<typeof fits, Step<"fits", string, "warm" | "cool", Unpaid, never>>>();

const kept = Steps.store("kept", { input: Concept, put: () => Effect.void });
holds<Same<typeof kept, Step<"kept", Concept, Concept, Failure, never>>>();
const filed = Steps.store("filed", {
  input: Asset.Image,
  output: Schema.String,
  put: Steps.folder("pictures"),
});
const crm = Steps.store("crm", {
  input: Schema.String,
  put: Effect.fn(function* (key: string, value: string) {
    yield* Crm.use((own) => own.put(`${key} ${value}`));
    return yield* new ProviderFailure({ provider: "crm", reason: "Unavailable", detail: "" });
  }),
});

const sent = Steps.http("sent", { input: Concept, url: "https://example.org", response: Brief });

// Hand-overs flow through the check, and the services of the user's own are all that is asked for.
const chain = Pipeline.make("chain", { version: 1, input: Brief })
  .step(concept)
  .step(checkConcept)
  .step(sent)
  .step(text, ({ last }) => last.product)
  .step(checkText)
  .step(image)
  .step(check.as("check-image", Asset.Image))
  .step(filed)
  .step(crm)
  .step(check)
  .step(check.as("again"))
  .output(Schema.Struct({ url: Schema.String }), ({ outputs }) => ({ url: outputs.filed }));
holds<Same<OutputOf<typeof chain>, { readonly url: string }>>();
holds<Same<ServicesOf<typeof chain>, Crm>>();
