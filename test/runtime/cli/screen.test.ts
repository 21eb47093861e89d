/** The screen: no secret of the environment passes it, and no colour where nobody can see one. */
import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { makeScreen } from "../../../src/runtime/cli/screen.ts";
import type { Environment } from "../../../src/runtime/cli/surroundings.ts";

const screenIn = (environment: Environment, columns?: number) => {
  const written: Array<string> = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk));
      done();
    },
  });
  const terminal = Object.assign(stream, columns === undefined ? {} : { columns });
  // Of a stream to a terminal only what any stream has is used here.
  const stdout = terminal as unknown as NodeJS.WriteStream;
  return {
    screen: makeScreen({ stdout, stderr: stdout }, environment),
    text: () => written.join(""),
  };
};

test("leaves the secrets of the environment out, whatever their names", () => {
  const { screen, text } = screenIn({
    REPLICATE_API_TOKEN: "r8_canary",
    CATENA_API_KEYS: "first-canary, second-canary",
    REPLICATE_WEBHOOK_SECRET: "whsec_canary",
    OPENAI_API_KEY: "sk-canary",
    DB_PASSWORD: "pass-canary",
    SMTP_PASS: "smtp-canary",
    SLACK_WEBHOOK_URL: "https://hooks.example.com/T1/canary",
    HOME: "/home/canary-lover",
    SHORT_TOKEN: "abc",
  });
  screen.out("r8_canary first-canary second-canary sk-canary pass-canary abc");
  screen.err("smtp-canary https://hooks.example.com/T1/canary whsec_canary of /home/canary-lover");
  expect(text()).toBe(
    "[secret] [secret] [secret] [secret] [secret] abc\n[secret] [secret] [secret] of /home/canary-lover\n",
  );
});

test("is as wide as the terminal, as COLUMNS says, or without end, so that nothing is cut in a pipe", () => {
  expect(screenIn({}).screen).toMatchObject({ width: Infinity, noteWidth: Infinity });
  expect(screenIn({ COLUMNS: "100" }).screen.width).toBe(100);
  expect(screenIn({ COLUMNS: "wide" }).screen.width).toBe(Infinity);
  expect(screenIn({ COLUMNS: "5" }).screen.width).toBe(40);
  expect(screenIn({ COLUMNS: "100" }, 120).screen.width).toBe(120);
});

test("paints nothing where there is no terminal", () => {
  const { screen } = screenIn({});
  expect(screen.paint("red", "text")).toBe("text");
});
