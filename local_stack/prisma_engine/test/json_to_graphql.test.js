'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { renderBatch, renderData, renderRaw } = require('../lib/json_to_graphql');

test('the result stands under the name that was asked for', () => {
  assert.equal(renderData({ findManyUser: [{ id: 1 }] }, 'result'), '{"data":{"result":[{"id":1}]}}');
});

test('tagged values leave as their plain value, Json as text', () => {
  const row = {
    at: { $type: 'DateTime', value: '2026-01-02T03:04:05.000Z' },
    big: { $type: 'BigInt', value: '9223372036854775807' },
    price: { $type: 'Decimal', value: '1.10' },
    settings: { $type: 'Json', value: '{"a": 1}' },
    tags: ['x', null],
  };
  assert.deepEqual(JSON.parse(renderData({ findFirstUser: row }, 'result')).data.result, {
    at: '2026-01-02T03:04:05.000Z',
    big: '9223372036854775807',
    price: '1.10',
    settings: '{"a": 1}',
    tags: ['x', null],
  });
});

test('an empty result is null', () => {
  assert.equal(renderData({ findUniqueUser: null }, 'result'), '{"data":{"result":null}}');
});

test('raw rows pass as they are, digits that a double cannot hold included', () => {
  const text = '{"data":{"queryRaw":{"columns":["n"],"types":["bigint"],"rows":[[9223372036854775807]]}}}';
  assert.equal(renderRaw(text, 'result'), text.replace('queryRaw', 'result'));
});

test('an error in answer to a raw query is not taken for rows', () => {
  assert.equal(renderRaw('{"errors":[]}', 'result'), undefined);
});

test('a batch answers each of its requests, with data or with errors', () => {
  const errors = [{ error: 'no' }];
  assert.deepEqual(JSON.parse(renderBatch([{ data: { createOneUser: { id: 1 } } }, { errors }], ['result', 'other'])), {
    batchResult: [{ data: { result: { id: 1 } } }, { errors }],
  });
});
