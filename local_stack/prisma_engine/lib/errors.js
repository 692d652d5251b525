'use strict';
// Errors in the shape of the native engine: prisma-client-py picks its exception by `error_code`.

const UNREACHABLE = 'P1001';
const POOL_TIMEOUT = 'P2024';
const RAW_QUERY_FAILED = 'P2010';
const EXTERNAL_ERROR = 'P2036';
// LiteLLM takes this code for a fault of the row, and writes the others of a batch without it. Prisma has one code
// (P2009) for a value that does not fit and for a field that does not exist: at that one, LiteLLM tries the whole batch
// again, for ever.
const VALUE_REFUSED = 'P2007';
const FAULTS_OF_VALUES = new Set(['InvalidArgumentType', 'InvalidArgumentValue']);

const EXIT_PANIC = 101; // as the native engine

class EngineError extends Error {
  constructor(code, message, meta = {}) {
    super(message);
    this.code = code;
    this.meta = meta;
  }
}

/** The error for a value that cannot be stored, and that no later attempt will store. */
const refused = (why) => new EngineError(VALUE_REFUSED, `Data validation error: ${why}`);

const userFacing = (error) => ({
  is_panic: false,
  message: String(error.message ?? error),
  meta: error.meta ?? {},
  error_code: error.code ?? RAW_QUERY_FAILED,
});
const errorBody = (error) => ({
  errors: [{ error: String(error.message ?? error), user_facing_error: userFacing(error) }],
});

/** Prisma's code and words for an error that `pg` raised by itself, without the server having answered. */
function describeDriverError(error) {
  const text = `${error.code ?? ''} ${error.message}`;
  if (/timeout exceeded when trying to connect/.test(text)) {
    return { error_code: POOL_TIMEOUT, message: 'Timed out fetching a new connection from the connection pool.' };
  }
  if (/ECONN|EPIPE|ENOTFOUND|ENOENT|timeout|terminated/.test(text)) {
    return { error_code: UNREACHABLE, message: `Can't reach database server: ${error.message}` };
  }
  return { error_code: RAW_QUERY_FAILED, message: error.message };
}

/** Whether what is wrong is a value alone, and neither its field's name nor its absence. */
const isFaultOfValue = ({ kind, errors } = {}) =>
  kind === 'Union' ? errors.every(isFaultOfValue) : FAULTS_OF_VALUES.has(kind);

/** Every user-facing error in a reply of the engine, wherever it stands. */
function* userFacingErrors(reply) {
  if (reply.error_code) yield reply;
  const results = [reply, ...(reply.batchResult ?? [])];
  for (const error of results.flatMap((result) => result.errors ?? []))
    if (error.user_facing_error) yield error.user_facing_error;
}

/**
 * The engine knows an error of the driver only as "external error number N" (P2036): put what N stands for there.
 * `registry` is the bound adapter's, and never forgets by itself.
 */
function revealDriverErrors(reply, registry) {
  for (const shown of userFacingErrors(reply)) {
    if (isFaultOfValue(shown.meta ?? {})) shown.error_code = VALUE_REFUSED;
    if (shown.error_code !== EXTERNAL_ERROR) continue;
    const id = shown.meta?.id;
    const { error } = registry.consumeError(id) ?? {};
    delete registry.registeredErrors[id];
    if (error) Object.assign(shown, describeDriverError(error), { meta: {} });
  }
  for (const error of reply.errors ?? []) error.error = error.user_facing_error?.message ?? error.error;
  return reply;
}

module.exports = { EngineError, refused, errorBody, describeDriverError, revealDriverErrors, EXIT_PANIC, UNREACHABLE };
