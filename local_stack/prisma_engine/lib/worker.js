'use strict';
// The engine in a thread of its own: where WebAssembly traps, the thread ends and `host.js` starts another.
const fs = require('node:fs');
const { parentPort, workerData } = require('node:worker_threads');
const { Engine } = require('./engine');
const { EXIT_PANIC, errorBody } = require('./errors');

const STDERR = 2;

/** Written at once: what a thread gives to its stream is lost when it ends. */
const log = (message) => fs.writeSync(STDERR, `query-engine: ${message}\n`);

/** After one, as after an overflow of its stack, the engine's memory is in an unknown state, and its calls never end. */
function isTrap(error) {
  return error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && /wasm:\/\//.test(error.stack));
}

function endIfTrapped(error) {
  if (!isTrap(error)) return;
  log(`the engine trapped: ${error.stack}`);
  process.exit(EXIT_PANIC); // of this thread alone
}

async function answer(engine, { id, method, parameters }) {
  let reply;
  try {
    reply = await engine[method](...parameters);
  } catch (error) {
    endIfTrapped(error);
    reply = errorBody(error);
  }
  parentPort.postMessage({ id, text: typeof reply === 'string' ? reply : JSON.stringify(reply ?? {}) });
}

async function run() {
  process.on('unhandledRejection', (error) => {
    endIfTrapped(error);
    log(error?.stack ?? String(error));
  });
  const engine = await Engine.open({ ...workerData, log });
  parentPort.on('message', (request) => answer(engine, request));
  parentPort.postMessage({ opened: true });
}

run().catch(({ code, message }) => parentPort.postMessage({ failed: { code, message } }));
