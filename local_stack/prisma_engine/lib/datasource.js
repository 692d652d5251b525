'use strict';
// From Prisma's connection URL to the options of a `pg` pool.
const os = require('node:os');

const SSL_BY_MODE = { require: { rejectUnauthorized: false }, 'verify-ca': {}, 'verify-full': {} };

/** The override that prisma-client-py passes (as JSON or as base64 of JSON), or undefined. */
function overriddenUrl(text) {
  if (!text) return undefined;
  const json = text.trimStart().startsWith('[') ? text : Buffer.from(text, 'base64').toString();
  return JSON.parse(json)[0]?.url;
}

/** The URL to connect to: the override, else what the schema's datasource block says. */
function datasourceUrl(datamodel, env) {
  const override = overriddenUrl(env.OVERWRITE_DATASOURCES);
  if (override) return override;
  const block = /datasource\s+\w+\s*\{([^}]*)\}/.exec(datamodel)?.[1] ?? '';
  const [, variable] = /\burl\s*=\s*env\("([^"]+)"\)/.exec(block) ?? [];
  const url = variable ? env[variable] : /\burl\s*=\s*"([^"]+)"/.exec(block)?.[1];
  if (!url)
    throw new Error(variable ? `Environment variable not found: ${variable}.` : 'schema.prisma has no datasource url');
  return url;
}

function parseUrl(url) {
  try {
    return new URL(url);
  } catch {
    // The message of URL's own error would carry the password.
    throw new Error('the database URL is malformed: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE');
  }
}

/** Settings that every session starts with. Prisma reads times as UTC, whatever the server's own time zone. */
function sessionOptions(query, schema) {
  const options = ['-c TimeZone=UTC'];
  if (query.has('options')) options.unshift(query.get('options'));
  if (schema !== 'public') options.push(`-c search_path=${schema}`);
  return options.join(' ');
}

/**
 * {schema, pool}: the schema to work in, and the options of `pg.Pool`.
 * Prisma counts seconds where pg counts milliseconds; the defaults are the native engine's.
 */
function poolConfig(databaseUrl) {
  const url = parseUrl(databaseUrl);
  const query = url.searchParams;
  const number = (name, fallback) => (query.has(name) ? Number(query.get(name)) : fallback);
  const schema = query.get('schema') || 'public';
  const pool = {
    host: query.get('host') || decodeURIComponent(url.hostname),
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    ssl: SSL_BY_MODE[query.get('sslmode')] ?? false,
    max: number('connection_limit', os.availableParallelism() * 2 + 1),
    connectionTimeoutMillis: number('pool_timeout', 10) * 1000,
    idleTimeoutMillis: number('max_idle_connection_lifetime', 300) * 1000,
    application_name: query.get('application_name') || 'prisma-wasm-query-engine',
    keepAlive: true,
    options: sessionOptions(query, schema),
  };
  return { schema, pool };
}

module.exports = { datasourceUrl, poolConfig };
