/** A process that stands for the inspector's page: it prints the states of what it is sent, in order. */
import { Schema } from "effect";

const Message = Schema.Struct({
  type: Schema.String,
  sessionId: Schema.String,
  definition: Schema.optionalKey(Schema.String),
  snapshot: Schema.optionalKey(Schema.Struct({ value: Schema.Json })),
});

const decode = Schema.decodeUnknownSync(Message);

/** `running.concept.active` for a nested value. */
const dotted = (value: Schema.Json): string => {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name}.${dotted(inner)}`)
    .join(" ");
};

process.on("message", (received) => {
  if (received === "end") {
    process.disconnect();
    return;
  }
  const { type, sessionId, definition, snapshot } = decode(received);
  if (type === "@xstate.actor") {
    const isDrawn = definition?.includes('"running"') === true;
    console.log(`registered ${sessionId} ${isDrawn ? "with" : "without"} its machine`);
  }
  if (snapshot !== undefined) console.log(dotted(snapshot.value));
});
