'use strict';
// Prisma's query engine as WebAssembly, over a pool of PostgreSQL connections.
const fs = require('node:fs');
const path = require('node:path');
const { bindAdapter } = require('@prisma/driver-adapter-utils');
const { PostgresAdapter, openPool } = require('./adapter');
const { EXIT_PANIC, EngineError, UNREACHABLE, refused, revealDriverErrors } = require('./errors');
const { Translator } = require('./graphql_to_json');
const { renderBatch, renderData, renderRaw } = require('./json_to_graphql');
const { readModels } = require('./datamodel');

const NO_TRACE_HEADERS = '{}';

/** Prisma's runtime is not written to be required by its parts, so the two files are found beside its entry. */
async function loadWebAssembly() {
  const runtime = path.dirname(require.resolve('@prisma/client/runtime/library.js'));
  const bindings = require(path.join(runtime, 'query_engine_bg.postgresql.js'));
  const module = await WebAssembly.compile(fs.readFileSync(path.join(runtime, 'query_engine_bg.postgresql.wasm')));
  const instance = new WebAssembly.Instance(module, { './query_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  return bindings.QueryEngine;
}

function engineLogger(log) {
  return (line) => {
    const record = JSON.parse(line);
    if (/^error$/i.test(record.level)) log(line);
    if (record.message === 'PANIC') process.exit(EXIT_PANIC);
  };
}

async function checkReachable(pool, { host, port }) {
  try {
    await pool.query('select 1');
  } catch (error) {
    throw new EngineError(UNREACHABLE, `Can't reach database server at ${host}:${port}: ${error.message}`);
  }
}

class Engine {
  /** Connects, or throws an EngineError that names the host and port. */
  static async open({ datamodel, config, logQueries, log }) {
    const pool = openPool(config.pool, log);
    const [QueryEngine] = await Promise.all([loadWebAssembly(), checkReachable(pool, config.pool)]);
    const adapter = bindAdapter(new PostgresAdapter(pool, { schema: config.schema }));
    const options = {
      datamodel,
      logQueries,
      logLevel: 'error',
      env: process.env,
      ignoreEnvVarErrors: true,
      datasourceOverrides: {},
      configDir: process.cwd(),
      engineProtocol: 'json',
    };
    const wasm = new QueryEngine(options, engineLogger(log), adapter);
    await wasm.connect('{}');
    return new Engine(wasm, pool, adapter.errorRegistry, new Translator(readModels(datamodel)));
  }

  constructor(wasm, pool, errorRegistry, translator) {
    Object.assign(this, { wasm, pool, errorRegistry, translator });
  }

  /** Answer one request body: JSON text, or an object with `errors`. */
  query(body, transactionId) {
    return Array.isArray(body.batch) ? this.#batch(body, transactionId) : this.#single(body, transactionId);
  }

  async #single(body, transactionId) {
    const { alias, isRaw, operation } = this.translator.translate(body);
    const text = await this.#ask(operation, transactionId);
    const raw = isRaw && renderRaw(text, alias);
    if (raw) return raw;
    const reply = this.#read(text);
    return reply.data ? renderData(reply.data, alias) : reply;
  }

  async #batch({ batch, transaction, isolationLevel }, transactionId) {
    const translated = batch.map((body) => this.translator.translate(body));
    const request = {
      batch: translated.map((one) => one.operation),
      transaction: transaction ? { isolationLevel } : undefined,
    };
    const reply = this.#read(await this.#ask(request, transactionId));
    return reply.batchResult
      ? renderBatch(
          reply.batchResult,
          translated.map((one) => one.alias),
        )
      : reply;
  }

  /** It answers what it has understood, with an error too, and throws only at what it cannot read: deep nesting. */
  async #ask(request, transactionId) {
    try {
      return await this.wasm.query(JSON.stringify(request), NO_TRACE_HEADERS, transactionId);
    } catch (error) {
      throw error instanceof WebAssembly.RuntimeError ? error : refused(error.message);
    }
  }

  async startTransaction(options) {
    return this.#transactionReply(await this.wasm.startTransaction(options, NO_TRACE_HEADERS));
  }

  async commitTransaction(id) {
    return this.#transactionReply(await this.wasm.commitTransaction(id, NO_TRACE_HEADERS));
  }

  async rollbackTransaction(id) {
    return this.#transactionReply(await this.wasm.rollbackTransaction(id, NO_TRACE_HEADERS));
  }

  /** A failure of these three is one bare error; the client looks for it in `errors`. */
  #transactionReply(text) {
    const reply = this.#read(text);
    return reply.error_code ? { errors: [{ error: reply.message, user_facing_error: reply }] } : reply;
  }

  #read(text) {
    return revealDriverErrors(JSON.parse(text), this.errorRegistry);
  }
}

module.exports = { Engine };
