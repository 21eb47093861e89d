/** Document extraction -> classifier -> internal routing: what comes in by mail lies on the right desk, as data. */
import { Schema } from "effect";
import { Pipeline, PolicyFailure, Steps } from "../src/index.ts";

export const Mail = Schema.Struct({ from: Schema.NonEmptyString, text: Schema.NonEmptyString });

export const Matter = Schema.Struct({
  subject: Schema.NonEmptyString,
  amount: Schema.NullOr(Schema.Finite).annotate({
    description: "in euros, null where none is named",
  }),
  deadline: Schema.NullOr(Schema.String).annotate({ description: "as YYYY-MM-DD" }),
});

const writer = "meta/meta-llama-3-8b-instruct";

const read = Steps.extract("read", {
  model: writer,
  input: Mail,
  output: Matter,
  document: ({ text }) => text,
});

/** What no model decides: amounts that a person has to see. */
const limit = Steps.validate("limit", {
  input: Matter,
  check: ({ amount }) =>
    amount !== null && amount > 10_000
      ? new PolicyFailure({ rule: "a person decides above 10,000 euros" })
      : undefined,
});

const desk = Steps.classify("desk", {
  model: writer,
  input: Matter,
  text: ({ subject }) => subject,
  labels: {
    accounts: "invoices, reminders, payments",
    support: "something does not work",
    sales: "somebody wants to buy",
    other: "everything else",
  },
});

const Routed = Schema.Struct({ desk: Schema.String, from: Schema.String, matter: Matter });

export const mailRouting = (folder: string) =>
  Pipeline.make("mail-routing", { version: 1, input: Mail })
    .step(read)
    .step(limit)
    .step(desk)
    .step(
      Steps.store("file", { input: Routed, output: Schema.String, put: Steps.folder(folder) }),
      ({ input, outputs }) => ({ desk: outputs.desk, from: input.from, matter: outputs.read }),
    )
    .output(Schema.Struct({ desk: Schema.String, file: Schema.String }), ({ outputs }) => ({
      desk: outputs.desk,
      file: outputs.file,
    }));
