'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { storableJson, withoutNul } = require('../lib/json_text');

const nested = (levels) => '['.repeat(levels) + ']'.repeat(levels);
const refusal = (why) => (error) => error.code === 'P2007' && error.message.includes(why);

test('what the engine can take passes as it came, to the last digit', () => {
  for (const text of ['{"a":[1,2.5e300,null,true,"\\ud83d\\ude00"]}', ' 12345678901234567890123 ', nested(127)])
    assert.equal(storableJson(text), text);
});

test('a number beyond a float is refused, wherever it stands', () => {
  for (const number of ['9'.repeat(400), `-${'9'.repeat(400)}`, '1e400'])
    for (const text of [number, `[${number}]`, `{"a":{"b":[${number}]}}`])
      assert.throws(() => storableJson(text), refusal('does not fit into a 64 bit float'));
});

test('half of a surrogate pair is refused, in names too', () => {
  for (const text of ['"\\ud800"', '["x\\udc00"]', '{"\\ud800":1}'])
    assert.throws(() => storableJson(text), refusal('surrogate'));
});

test('deep nesting is refused, and breaks nothing here', () => {
  for (const text of [nested(128), nested(200_000), `${'{"a":'.repeat(128)}1${'}'.repeat(128)}`])
    assert.throws(() => storableJson(text), refusal('more than 127 levels'));
});

test('what is no JSON is refused, and not quoted', () => {
  const tells = (error) => refusal('takes JSON text')(error) && !error.message.includes('secret');
  for (const text of ['', '{', '{"secret":NaN}', '[-Infinity]', '"a\u0000b"'])
    assert.throws(() => storableJson(text), tells);
});

test('a NUL is replaced, and what only looks like one is not', () => {
  assert.equal(withoutNul('a\u0000b'), 'a\ufffdb');
  const replaced = (text) => JSON.parse(storableJson(text));
  assert.deepEqual(replaced('{"\\u0000":["x\\u0000\\u0000"]}'), { '\ufffd': ['x\ufffd\ufffd'] });
  assert.equal(replaced('"\\\\u0000"'), '\\u0000');
  assert.equal(replaced('"\\\\\\u0000"'), '\\\ufffd');
});
