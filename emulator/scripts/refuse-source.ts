/**
 * Stands in the way of packing the workspace itself: it is TypeScript, which Node runs nowhere below `node_modules`,
 * and whoever installed such a package could not start it. What is packed is the folder that build.ts makes.
 */
process.stderr.write(
  "catena-emulator: the workspace is not what is packed. From the project's root: npm run build -w catena-emulator && npm pack ./emulator/dist\n",
);
process.exit(1);
