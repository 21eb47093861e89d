/**
 * `npm run demo`: one brief through the campaign chain, with everything to see. This file only says the
 * first word, so that it is there before anything heavy is loaded.
 */
process.stdout.write(
  "Catena demo: a brief becomes a checked and stored campaign image, in five steps.\n",
);
const { main } = await import("./demo/main.ts");
process.exitCode = await main(process.argv.slice(2), process.env);
