'use strict';
// What prisma-client-py says to its engine: a few command line options, and the rest in the environment.
const fs = require('node:fs');

/** The value that follows the first of `names` in `argv`, if any. */
function optionValue(argv, ...names) {
  for (const name of names) {
    const at = argv.indexOf(name);
    if (at >= 0) return argv[at + 1];
  }
  return undefined;
}

function readOptions(argv, env) {
  return {
    showVersion: argv.includes('--version') || argv.includes('-V'),
    host: optionValue(argv, '--host', '-H') ?? '127.0.0.1',
    port: Number(optionValue(argv, '--port', '-p') ?? env.PORT ?? 4466),
    logQueries: Boolean(env.LOG_QUERIES),
  };
}

/** The text of schema.prisma, from a file or as base64. */
function readDatamodel(env) {
  if (env.PRISMA_DML_PATH) return fs.readFileSync(env.PRISMA_DML_PATH, 'utf8');
  if (env.PRISMA_DML) return Buffer.from(env.PRISMA_DML, 'base64').toString();
  throw new Error('PRISMA_DML_PATH is not set: it names the schema.prisma to serve');
}

module.exports = { readOptions, readDatamodel };
