'use strict';
// JSON text that the engine can take. Its own parser is stricter than JavaScript's, and ends the engine where it stumbles.
const { refused } = require('./errors');

const MAX_DEPTH = 127; // arrays and objects inside one another, as serde_json counts them

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

/** `text`, if the engine can take it; throws an EngineError if not. Without recursion, which deep nesting would break. */
function takenJson(text) {
  const left = [[parsed(text), 1]];
  while (left.length) {
    const [value, depth] = left.pop();
    const holds = value !== null && typeof value === 'object';
    const why = holds && depth > MAX_DEPTH ? `it is more than ${MAX_DEPTH} levels deep` : fault(value);
    if (why) throw refused(`a Json column cannot take this JSON: ${why}`);
    if (holds) for (const inner of Object.values(value)) left.push([inner, depth + 1]);
  }
  return text;
}

module.exports = { takenJson };
