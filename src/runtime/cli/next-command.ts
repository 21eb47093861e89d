/** Commands that are told to people: as they have to be typed here, with the same store and config. */
import { Effect, Option } from "effect";
import type { StateRecord } from "../journal-store.ts";
import { shellWords } from "./render/amounts.ts";
import { root } from "./root.ts";

/** Builds commands with what this one was given. */
export const commands = Effect.map(root, ({ config, store, assets }) => {
  const flags = [
    ...said("--config", config),
    ...said("--store", store),
    ...said("--assets", assets),
  ];
  return (...words: ReadonlyArray<string>): string => shellWords(["catena", ...words, ...flags]);
});

const said = (flag: string, value: Option.Option<string>): ReadonlyArray<string> =>
  Option.match(value, { onNone: () => [], onSome: (text) => [flag, text] });

type Standing = Pick<StateRecord, "jobId" | "status" | "detail" | "currentStep" | "waiting">;

/** What takes the job on by hand; null where it goes on by itself or is over. */
export const nextCommand = (
  { jobId, status, detail, currentStep, waiting }: Standing,
  { command, isAttended }: { readonly command: Command; readonly isAttended: boolean },
): string | null => {
  const wait = isAttended ? [] : ["--wait"];
  if (status === "failed") return command("retry", jobId, ...wait);
  if (detail === "paused") return command("resume", jobId, ...wait);
  if (currentStep !== null && waiting?.waitingFor === `signal ${currentStep}`)
    return command("signal", jobId, currentStep, "JSON", ...wait);
  if (status === "pending" || status === "processing")
    return isAttended ? null : command("resume", jobId, "--wait");
  return null;
};

type Command = (...words: ReadonlyArray<string>) => string;
