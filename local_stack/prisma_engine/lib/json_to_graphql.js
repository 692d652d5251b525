'use strict';
// The way out: results of the JSON protocol as the native engine renders them for GraphQL, straight to JSON text.

const RAW_RESULT_START = '{"data":{"queryRaw":';

/** DateTime, BigInt, Decimal, Bytes and Json arrive as {$type, value} and leave as the value; Json is JSON text. */
function render(value) {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(render).join(',')}]`;
  if (typeof value.$type === 'string' && 'value' in value) return JSON.stringify(value.value);
  return `{${Object.entries(value)
    .map(([name, inner]) => `${JSON.stringify(name)}:${render(inner)}`)
    .join(',')}}`;
}

/** The one result in `data`, under the name that the caller asked for. */
const renderData = (data, alias) => `{"data":{${JSON.stringify(alias)}:${render(Object.values(data)[0])}}}`;

/** Rows of raw SQL have the same shape in both protocols: they pass as text, so that no number loses a digit. */
function renderRaw(text, alias) {
  if (!text.startsWith(RAW_RESULT_START)) return undefined;
  return `{"data":{${JSON.stringify(alias)}:${text.slice(RAW_RESULT_START.length)}`;
}

function renderBatch(results, aliases) {
  const rendered = results.map((result, index) =>
    result.data ? renderData(result.data, aliases[index]) : JSON.stringify(result),
  );
  return `{"batchResult":[${rendered.join(',')}]}`;
}

module.exports = { render, renderData, renderRaw, renderBatch };
