'use strict';
// Prisma's own adapter between its WebAssembly engine and `pg`, with two repairs.
const pg = require('pg');
const { parse: parseArray } = require('postgres-array');
const { PrismaPg } = require('@prisma/adapter-pg');

const TEXT = 25;
const TEXT_ARRAY = 1009;
const TIMESTAMP_ARRAY = 1115;
// Types from here on are the database's own: enums, domains, extensions. The adapter takes them as text.
const FIRST_CUSTOM_TYPE = 10000;

// The built-in column types that the adapter takes. It refuses a whole result for any other (name, void, interval,
// timestamptz[] …), where the native engine reads them.
const TAKEN_BY_ADAPTER = new Set([
  16, 17, 20, 21, 23, 25, 26, 114, 142, 143, 199, 650, 651, 700, 701, 790, 791, 869, 1000, 1001, 1002, 1005, 1007, 1009,
  1014, 1015, 1016, 1021, 1022, 1028, 1041, 1042, 1043, 1082, 1083, 1114, 1115, 1182, 1183, 1184, 1231, 1266, 1560,
  1561, 1562, 1563, 1700, 2950, 2951, 3802, 3807,
]);
// Arrays among the refused types, and the array type that they are handed over as:
// name[], timestamptz[], interval[], oid vector's kin and regclass[].
const ARRAY_INSTEAD = { 1003: TEXT_ARRAY, 1185: TIMESTAMP_ARRAY, 1187: TEXT_ARRAY, 1012: TEXT_ARRAY, 2211: TEXT_ARRAY };
const TIMESTAMPTZ_ARRAY = '1185';
// pg makes objects of these (point, circle, interval); as text they can be handed over.
const PARSED_BY_PG = [600, 718, 1186];

const withoutOffset = (timestamp) => timestamp.replace(/[+-]\d\d(:\d\d)?$/, ''); // sessions run in UTC

function readRefusedTypesAsText(types) {
  for (const oid of PARSED_BY_PG) types.setTypeParser(oid, 'text', (text) => text);
  for (const oid of Object.keys(ARRAY_INSTEAD)) {
    const element = oid === TIMESTAMPTZ_ARRAY ? withoutOffset : (text) => text;
    types.setTypeParser(Number(oid), 'text', (text) => parseArray(text, element));
  }
}
readRefusedTypesAsText(pg.types);

function acceptedType(oid) {
  if (oid >= FIRST_CUSTOM_TYPE || TAKEN_BY_ADAPTER.has(oid)) return oid;
  return ARRAY_INSTEAD[oid] ?? TEXT;
}

/** Relabel the columns of every result of `queryable`, so that the adapter takes them all. */
function acceptingAllTypes(queryable) {
  const performIO = queryable.performIO.bind(queryable);
  queryable.performIO = async (query) => {
    const result = await performIO(query);
    if (result.ok) for (const field of result.value.fields ?? []) field.dataTypeID = acceptedType(field.dataTypeID);
    return result;
  };
  return queryable;
}

class PostgresAdapter extends PrismaPg {
  constructor(pool, options) {
    super(pool, options);
    acceptingAllTypes(this);
  }

  async startTransaction() {
    return (await super.startTransaction()).map(acceptingAllTypes);
  }
}

/** A pool that outlives its connections: a lost one is dropped and replaced at the next query. */
function openPool(config, log) {
  const pool = new pg.Pool(config);
  pool.on('error', (error) => log(`connection lost while idle: ${error.message}`));
  // The pool listens only to idle connections. Without this, one that breaks between two queries of a transaction
  // ends the process.
  pool.on('connect', (client) => client.on('error', (error) => log(`connection lost: ${error.message}`)));
  return pool;
}

module.exports = { PostgresAdapter, openPool, acceptedType };
