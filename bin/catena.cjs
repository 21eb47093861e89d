#!/usr/bin/env node
"use strict";
/* Which Node is here, asked in words that the oldest can read; the program itself is loaded by start.cjs. */
var wanted = /(\d+)\.(\d+)/.exec(require("../package.json").engines.node);
var found = process.versions.node.split(".");
var isOlder = +found[0] < +wanted[1] || (+found[0] === +wanted[1] && +found[1] < +wanted[2]);
if (isOlder) {
  process.stderr.write(
    "catena needs Node " +
      wanted[0] +
      " or newer, and this is Node " +
      process.versions.node +
      ".\n",
  );
  process.exitCode = 2;
} else {
  require("./start.cjs");
}
