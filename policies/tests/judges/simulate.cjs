// Reads one simulation per line, answers each with one line: Allowed, ImplicitlyDenied,
// ExplicitlyDenied, or the judge's refusal to judge. First argument: the folder with node_modules.
"use strict";
const path = require("node:path");
const readline = require("node:readline");
const { createRequire } = require("node:module");

const load = createRequire(path.join(path.resolve(process.argv[2]), "driver.cjs"));
const { runSimulation } = load("@cloud-copilot/iam-simulate");

async function judge(line) {
  const simulation = JSON.parse(line);
  try {
    const outcome = await runSimulation(simulation, { simulationMode: "Strict" });
    if (outcome.resultType === "error") return { refused: outcome.errors };
    return { decision: outcome.overallResult };
  } catch (error) {
    return { refused: { message: String(error) } };
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await judge(line)) + "\n");
  }
}

main();
