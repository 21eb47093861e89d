/** Help within the width: what there is on the left, what it is for beside it, broken under itself. */
import { Option } from "effect";
import type { HelpDoc } from "effect/cli";
import { wrapped } from "./amounts.ts";

type Row = readonly [what: string, meaning: string];

const indent = "  ";
const gap = "  ";
/** What is longer has its meaning on the next line. */
const maxLeft = 24;

export const helpLines = (doc: HelpDoc.HelpDoc, width: number): ReadonlyArray<string> => [
  ...wrapped(doc.description, width),
  "",
  ...wrapped(`Usage: ${doc.usage}`, width),
  ...section("Arguments", (doc.args ?? []).map(argumentRow), width),
  ...section("Flags", doc.flags.map(flagRow), width),
  ...section(
    "For every command",
    [...(doc.inheritedFlags ?? []), ...(doc.globalFlags ?? [])].map(flagRow),
    width,
  ),
  ...(doc.subcommands ?? []).flatMap(({ group, commands }) =>
    section(group ?? "Commands", commands.map(commandRow), width),
  ),
  ...(doc.examples === undefined || doc.examples.length === 0
    ? []
    : ["", "Examples", ...doc.examples.map(({ command }) => indent + command)]),
];

const section = (title: string, rows: ReadonlyArray<Row>, width: number): ReadonlyArray<string> => {
  if (rows.length === 0) return [];
  const left = Math.min(maxLeft, Math.max(...rows.map(([what]) => what.length)));
  const beside = " ".repeat(indent.length + left + gap.length);
  const lines = rows.flatMap(([what, meaning]) => {
    const [first = "", ...rest] = wrapped(meaning, width - beside.length);
    const head =
      what.length > left
        ? [indent + what, beside + first]
        : [`${indent}${what.padEnd(left)}${gap}${first}`];
    return [...head, ...rest.map((line) => beside + line)];
  });
  return ["", title, ...lines.map((line) => line.trimEnd())];
};

type FlagDoc = HelpDoc.HelpDoc["flags"][number];

const flagRow = ({ name, aliases, type, description }: FlagDoc): Row => {
  const value = type === "boolean" ? "" : ` ${type}`;
  const names = [`--${name}${value}`, ...aliases].join(", ");
  return [names, Option.getOrElse(description, () => "")];
};

type ArgumentDoc = NonNullable<HelpDoc.HelpDoc["args"]>[number];

const argumentRow = ({ name, description, required }: ArgumentDoc): Row => [
  required ? name : `[${name}]`,
  Option.getOrElse(description, () => ""),
];

type CommandDoc = NonNullable<HelpDoc.HelpDoc["subcommands"]>[number]["commands"][number];

const commandRow = ({ name, description }: CommandDoc): Row => [name, description];
