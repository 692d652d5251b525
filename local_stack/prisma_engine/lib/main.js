'use strict';
// Stands in for Prisma's native `query-engine`: same options, same HTTP, same errors.
const { readOptions, readDatamodel } = require('./options');

const ENGINE_VERSION = '393aa359c9ad4a4bb28630fb5613f9c281cde053'; // the engine's commit in Prisma 5.17.0
const START_FAILED = 'P1012';
const GRACE_MS = 500;
const PARENT_CHECK_MS = 1000;
const CLIENT = process.ppid; // read first of all: it may be killed while the engine starts

const log = (message) => process.stderr.write(`query-engine: ${message}\n`);

function fail(error) {
  const shown = { is_panic: false, message: error.message, meta: {}, error_code: error.code ?? START_FAILED };
  process.stderr.write(`${JSON.stringify(shown)}\n`);
  process.exit(1);
}

/** Ends the process once the requests under way are answered, if that is quick; its connections end with it. */
function stopper(server) {
  return () => {
    setTimeout(() => process.exit(0), GRACE_MS);
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  };
}

/** A client that was killed cannot stop its engine, which would hold its connections for ever: it stops by itself. */
function stopWithClient(stop) {
  setInterval(() => process.ppid !== CLIENT && stop(), PARENT_CHECK_MS).unref();
}

async function run(options) {
  const { datasourceUrl, poolConfig } = require('./datasource');
  const { EngineHost } = require('./host');
  const { createServer } = require('./server');
  const datamodel = readDatamodel(process.env);
  const config = poolConfig(datasourceUrl(datamodel, process.env));
  const engine = await EngineHost.open({ datamodel, config, logQueries: options.logQueries }, log);
  const server = createServer(engine, log);
  server.on('error', fail);
  server.listen(options.port, options.host);
  const stop = stopper(server);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  stopWithClient(stop);
}

function main() {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options.showVersion) return console.log(`query-engine ${ENGINE_VERSION}`);
  process.title = 'query-engine'; // LiteLLM looks for orphaned engines by this name
  process.on('unhandledRejection', (error) => log(error?.stack ?? String(error)));
  return run(options).catch(fail);
}

main();
