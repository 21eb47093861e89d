#!/usr/bin/env node
/** The command `catena-emulator`: runs the emulator until a signal, an idle time or the end of its input. */
import { runEmulator } from "./command/run-emulator.ts";

const exitCode = await runEmulator(process.argv.slice(2), process);
// Standard input may still be open, and would keep the process.
process.exit(exitCode);
