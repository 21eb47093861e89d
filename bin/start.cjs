"use strict";
/* Loads the command line, without the warnings about parts of Node that Catena is tested with. */
var emitWarning = process.emitWarning;
process.emitWarning = function (warning) {
  var text = String((warning && warning.message) || warning);
  if (/^(SQLite|Type Stripping) is an experimental feature/.test(text)) return;
  emitWarning.apply(process, arguments);
};
import("../dist/runtime/cli/main.js").catch(function (error) {
  process.stderr.write("catena cannot be loaded: " + String(error && error.message) + "\n");
  process.exitCode = 1;
});
