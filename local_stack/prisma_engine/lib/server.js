'use strict';
// The native engine's HTTP interface: GraphQL at /, transactions and status.
// Its metrics are left out: LiteLLM does not read them.
const http = require('node:http');
const { EngineError, errorBody } = require('./errors');

const IDLE_CONNECTION_MS = 120_000;
const TRANSACTION = /^\/transaction\/(?:start|([^/]+)\/(commit|rollback))$/;

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function parseBody(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new EngineError('P2009', 'the request body is not JSON');
  }
}

function transaction(engine, [, id, verb], body) {
  if (!verb) return engine.call('startTransaction', body);
  return engine.call(verb === 'commit' ? 'commitTransaction' : 'rollbackTransaction', id);
}

/** The answer to one request: JSON text as it is, an object to be sent as JSON, undefined where nothing is served. */
async function answer(engine, request, body) {
  const { pathname } = new URL(request.url, 'http://engine');
  const route = `${request.method} ${pathname}`;
  if (route === 'GET /status') return { status: 'ok' };
  if (route === 'POST /') return engine.call('query', parseBody(body), request.headers['x-transaction-id']);
  const match = request.method === 'POST' && TRANSACTION.exec(pathname);
  return match ? transaction(engine, match, body) : undefined;
}

async function serve(engine, request, response) {
  let reply;
  try {
    reply = await answer(engine, request, await readBody(request));
  } catch (error) {
    reply = errorBody(error);
  }
  const text = typeof reply === 'string' ? reply : JSON.stringify(reply ?? {});
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  response.writeHead(reply === undefined ? 404 : 200, headers);
  response.end(text);
}

function createServer(engine, log) {
  const server = http.createServer((request, response) => {
    serve(engine, request, response).catch((error) => log(`request lost: ${error.message}`));
  });
  // Longer than the client keeps a connection, so that it never writes into one that is just being closed.
  server.keepAliveTimeout = IDLE_CONNECTION_MS;
  server.headersTimeout = IDLE_CONNECTION_MS + 5_000;
  server.requestTimeout = 0;
  return server;
}

module.exports = { createServer };
