'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { datasourceUrl, poolConfig } = require('../lib/datasource');

const DATAMODEL = 'datasource client {\n  provider = "postgresql"\n  url = env("SOME_URL")\n}\n';
const pool = (url) => poolConfig(url).pool;

test('the URL comes from the variable that the schema names', () => {
  assert.equal(datasourceUrl(DATAMODEL, { SOME_URL: 'postgresql://a/b' }), 'postgresql://a/b');
});

test('a variable that is not set is named', () => {
  assert.throws(() => datasourceUrl(DATAMODEL, {}), /Environment variable not found: SOME_URL/);
});

test('a URL may stand in the schema itself', () => {
  assert.equal(datasourceUrl('datasource db {\n url = "postgresql://a/b"\n}', {}), 'postgresql://a/b');
});

test('an override wins, as JSON and as base64', () => {
  const override = JSON.stringify([{ name: 'client', url: 'postgresql://c/d' }]);
  for (const text of [override, Buffer.from(override).toString('base64')]) {
    assert.equal(
      datasourceUrl(DATAMODEL, { SOME_URL: 'postgresql://a/b', OVERWRITE_DATASOURCES: text }),
      'postgresql://c/d',
    );
  }
});

test('user, password and database are decoded', () => {
  const { host, port, user, password, database } = pool('postgresql://u%40x:p%2Fw@db.internal:6543/my%20db');
  assert.deepEqual(
    { host, port, user, password, database },
    { host: 'db.internal', port: 6543, user: 'u@x', password: 'p/w', database: 'my db' },
  );
});

test('the port is 5432 unless given, and a socket folder may stand for the host', () => {
  assert.equal(pool('postgresql://u:p@h/d').port, 5432);
  assert.equal(pool('postgresql://u:p@localhost/d?host=/run/pg').host, '/run/pg');
});

test("Prisma's parameters are in seconds, pg's options in milliseconds", () => {
  const { max, connectionTimeoutMillis, idleTimeoutMillis } = pool(
    'postgresql://u:p@h/d?connection_limit=7&pool_timeout=3&max_idle_connection_lifetime=9',
  );
  assert.deepEqual(
    { max, connectionTimeoutMillis, idleTimeoutMillis },
    { max: 7, connectionTimeoutMillis: 3000, idleTimeoutMillis: 9000 },
  );
});

test('sessions run in UTC and in the schema that the URL names', () => {
  assert.equal(pool('postgresql://u:p@h/d').options, '-c TimeZone=UTC');
  assert.equal(pool('postgresql://u:p@h/d?schema=own').options, '-c TimeZone=UTC -c search_path=own');
  assert.equal(poolConfig('postgresql://u:p@h/d?schema=own').schema, 'own');
});

test('TLS follows sslmode', () => {
  assert.equal(pool('postgresql://u:p@h/d').ssl, false);
  assert.deepEqual(pool('postgresql://u:p@h/d?sslmode=require').ssl, { rejectUnauthorized: false });
  assert.deepEqual(pool('postgresql://u:p@h/d?sslmode=verify-full').ssl, {});
});

test('a malformed URL is refused without showing the password in it', () => {
  assert.throws(
    () => poolConfig('secret-password'),
    (error) => /malformed/.test(error.message) && !/secret-password/.test(error.message),
  );
});
