/**
 * The page of docs/api.md shows a job in a browser: its own script runs here, on the few things of a browser
 * that it names, against a server over HTTP.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { Schema } from "effect";
import { Sse } from "effect/encoding";
import { expect, onTestFinished, test } from "vitest";
import { Catena, Pipeline, Step } from "../../src/index.ts";
import { writingModel } from "../runtime/support/writing-model.ts";
import { root } from "./programs.ts";

const page = await readFile(join(root, "docs/api.md"), "utf8");
const [, script = ""] = /```html\n[^]*?<script>\n([^]*?)<\/script>\n```/.exec(page) ?? [];

const write = Step.model("write", {
  input: Schema.String,
  output: Schema.String,
  model: "writer",
  request: (prompt) => ({ prompt }),
  stream: true,
});
const poster = Pipeline.make("poster", { version: 1, input: Schema.String })
  .step(write)
  .output(Schema.String, ({ last }) => last);

/** The browser's, as far as a page uses it: the cookie goes along, a line that was lost is taken up again. */
const eventSourceAt = (origin: string, cookie: string) =>
  class EventSource extends EventTarget {
    static readonly all: Array<EventSource> = [];
    lines = 0;
    isClosed = false;
    #controller = new AbortController();
    #lastEventId = "";
    constructor(path: string) {
      super();
      EventSource.all.push(this);
      void this.#listen(new URL(path, origin));
    }
    close() {
      this.isClosed = true;
      this.#controller.abort();
    }
    /** As a network does it. */
    lose() {
      this.#controller.abort();
    }
    async #listen(url: URL) {
      while (!this.isClosed) {
        this.lines += 1;
        this.#controller = new AbortController();
        await this.#read(url).catch(() => undefined);
      }
    }
    async #read(url: URL) {
      const headers = new Headers({ cookie });
      if (this.#lastEventId !== "") headers.set("last-event-id", this.#lastEventId);
      const response = await fetch(url, { headers, signal: this.#controller.signal });
      if (response.status !== 200) return this.close();
      const parser = Sse.makeParser((event) => {
        if (event._tag !== "Event") return;
        this.#lastEventId = event.id ?? this.#lastEventId;
        this.dispatchEvent(new MessageEvent(event.event, { data: event.data }));
      });
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? [])
        parser.feed(decoder.decode(chunk, { stream: true }));
    }
  };

const serve = async (catena: Catena): Promise<string> => {
  const server = createServer(catena.handler);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
};

test("the page shows the text as it is written, the story, and nothing twice", async () => {
  expect(script.trim().split("\n").length).toBeLessThanOrEqual(10);
  const model = writingModel();
  await using catena = await Catena.start({
    pipelines: [poster],
    models: model.client,
    lookEvery: "10 millis",
    pollEvery: "10 millis",
    http: {
      basePath: "/api",
      caller: ({ headers }) =>
        headers.get("cookie") === "session=7" ? { id: "ann", scopes: ["read"] } : null,
    },
  });
  const job = await catena.submit(poster, "a bottle");
  const EventSource = eventSourceAt(await serve(catena), "session=7");
  const text = { textContent: "" };
  const story: Array<string> = [];
  const list = {
    append: ({ textContent }: { readonly textContent: string }) => story.push(textContent.trim()),
  };
  const document = { createElement: () => ({ textContent: "" }) };
  runInNewContext(script.replace("01a2…", job.id), { EventSource, document, text, story: list });
  const [events] = EventSource.all;

  const pen = await model.pen(1);
  await pen.write("Cold to");
  await expect.poll(() => text.textContent, { interval: 1 }).toBe("Cold to");
  events?.lose();
  await pen.write(" the last mile");
  await expect.poll(() => text.textContent, { interval: 1 }).toBe("Cold to the last mile");
  await pen.end();
  await job.result();
  await expect.poll(() => events?.isClosed, { interval: 1 }).toBe(true);
  expect(story).toEqual([
    "JobSubmitted",
    "JobStarted",
    "StepStarted write",
    "PredictionIntended write",
    "StepSucceeded write",
    "JobCompleted",
  ]);
  expect(text.textContent).toBe("Cold to the last mile");
  expect(events?.lines).toBe(2);
});
