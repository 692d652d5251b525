'use strict';
// Text and JSON text that can be stored. The engine's own parser is stricter than JavaScript's, and ends the engine
// where it stumbles. PostgreSQL stores no NUL: in its place stands what Unicode has for what cannot be shown, since
// LiteLLM writes what many calls used in one statement, and all of it would be lost for one name.
const { refused } = require('./errors');

const MAX_DEPTH = 127; // arrays and objects inside one another, as serde_json counts them

const REPLACEMENT = '\ufffd';
// An escape, and not the letters of one behind a backslash of their own.
const ESCAPED_NUL = /(?<!\\)((?:\\\\)*)\\u0000/g;

const withoutNul = (text) => text.replaceAll('\0', REPLACEMENT);
const withoutEscapedNul = (json) => json.replace(ESCAPED_NUL, `$1${REPLACEMENT}`);

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw refused('a Json column takes JSON text, which knows no NaN and no Infinity');
  }
}

/** The strings of a single value: itself, or an object's names. */
function strings(value) {
  if (typeof value === 'string') return [value];
  return value === null || typeof value !== 'object' || Array.isArray(value) ? [] : Object.keys(value);
}

/** Why a single value cannot be taken, whatever it holds; undefined if it can. */
function fault(value) {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'a number does not fit into a 64 bit float';
  return strings(value).every((text) => text.isWellFormed()) ? undefined : 'a string holds half of a surrogate pair';
}

/** Throws an EngineError at what the engine cannot take. Without recursion, which deep nesting would break. */
function check(text) {
  const left = [[parsed(text), 1]];
  while (left.length) {
    const [value, depth] = left.pop();
    const holds = value !== null && typeof value === 'object';
    const why = holds && depth > MAX_DEPTH ? `it is more than ${MAX_DEPTH} levels deep` : fault(value);
    if (why) throw refused(`a Json column cannot take this JSON: ${why}`);
    if (holds) for (const inner of Object.values(value)) left.push([inner, depth + 1]);
  }
}

/** JSON text as it can be stored; throws an EngineError if it cannot. */
function storableJson(text) {
  check(text);
  return withoutEscapedNul(text);
}

module.exports = { storableJson, withoutEscapedNul, withoutNul };
