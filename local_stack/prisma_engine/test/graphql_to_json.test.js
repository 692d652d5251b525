'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { readModels } = require('../lib/datamodel');
const { Translator } = require('../lib/graphql_to_json');

const translator = new Translator(
  readModels(`
model User {
  id       String  @id
  settings Json    @default("{}")
  extras   Json[]
  posts    Post[]
  age      Int?

  @@index([age])
}
// model Ghost { id Int }
model Post {
  id       BigInt @id
  body     Json?
  author   User?  @relation(fields: [authorId], references: [id])
  authorId String?
}
`),
);

const translate = (query, variables) => translator.translate({ query, variables });
const argumentsOf = (query, variables) => translate(query, variables).operation.query.arguments;
const jsonText = (value) => ({ $type: 'Json', value });
const hasCode = (code) => (error) => error.code === code;

test('the root field names action and model, and its alias names the result', () => {
  const { alias, isRaw, operation } = translate('query { result: findManyUser { id } }');
  assert.equal(alias, 'result');
  assert.equal(isRaw, false);
  assert.deepEqual(
    { action: operation.action, modelName: operation.modelName },
    { action: 'findMany', modelName: 'User' },
  );
});

test('without an alias the result is named after the root field', () => {
  assert.equal(translate('query { findManyUser { id } }').alias, 'findManyUser');
});

test('OrThrow belongs to the action', () => {
  const { action, modelName } = translate('query { result: findUniqueUserOrThrow(where: {id: "1"}) { id } }').operation;
  assert.deepEqual({ action, modelName }, { action: 'findUniqueOrThrow', modelName: 'User' });
});

test('raw queries have no model and their parameters stay text', () => {
  const { isRaw, operation } = translate('mutation { result: queryRaw(query: "SELECT $1", parameters: "[1]") }');
  assert.equal(isRaw, true);
  assert.deepEqual(operation, {
    modelName: undefined,
    action: 'queryRaw',
    query: { arguments: { query: 'SELECT $1', parameters: '[1]' }, selection: {} },
  });
});

test('a selection keeps the arguments and selections of relations', () => {
  const { selection } = translate('query { result: findManyUser { id posts(take: 2) { id } } }').operation.query;
  assert.deepEqual(selection, { id: true, posts: { arguments: { take: 2 }, selection: { id: true } } });
});

test('integers beyond what a double holds keep every digit', () => {
  assert.deepEqual(argumentsOf('query { findManyPost(where: {id: 9223372036854775807}) { id } }').where, {
    id: { $type: 'BigInt', value: '9223372036854775807' },
  });
});

test('enum values are told apart from strings, null and booleans from both', () => {
  assert.deepEqual(
    argumentsOf('query { findManyUser(orderBy: {age: desc}, where: {age: null, id: {not: true}}) { id } }'),
    { orderBy: { age: { $type: 'Enum', value: 'desc' } }, where: { age: null, id: { not: true } } },
  );
});

test('variables are filled in', () => {
  assert.deepEqual(argumentsOf('query q($id: String) { findManyUser(where: {id: $id}) { id } }', { id: 'u1' }), {
    where: { id: 'u1' },
  });
});

test('a string in a Json column is JSON text; in any other it is a string', () => {
  assert.deepEqual(argumentsOf('mutation { createOneUser(data: {id: "{}", settings: "{\\"a\\": 1}"}) { id } }').data, {
    id: '{}',
    settings: jsonText('{"a": 1}'),
  });
});

test('each element of a Json list column is JSON text', () => {
  assert.deepEqual(argumentsOf('mutation { createOneUser(data: {extras: {set: ["1", "{}"]}}) { id } }').data, {
    extras: { set: [jsonText('1'), jsonText('{}')] },
  });
});

test('a Json filter tags what is compared and leaves the path and string operators', () => {
  assert.deepEqual(
    argumentsOf('query { findManyUser(where: {settings: {path: ["a"], equals: "1", string_contains: "x"}}) { id } }')
      .where,
    { settings: { path: ['a'], equals: jsonText('1'), string_contains: 'x' } },
  );
});

test('Json columns are found below AND, OR and NOT', () => {
  assert.deepEqual(
    argumentsOf(
      'query { findManyUser(where: {OR: [{settings: {equals: "1"}}, {NOT: {settings: {equals: "2"}}}]}) { id } }',
    ).where,
    { OR: [{ settings: { equals: jsonText('1') } }, { NOT: { settings: { equals: jsonText('2') } } }] },
  );
});

test('Json columns are found in upserts, createMany and both sides of a relation', () => {
  assert.deepEqual(
    argumentsOf(
      'mutation { upsertOneUser(where: {id: "1"}, create: {settings: "1"}, update: {settings: {set: "2"}}) { id } }',
    ),
    { where: { id: '1' }, create: { settings: jsonText('1') }, update: { settings: { set: jsonText('2') } } },
  );
  assert.deepEqual(
    argumentsOf('mutation { createManyPost(data: [{id: 1, body: "1"}], skipDuplicates: true) { count } }'),
    { data: [{ id: 1, body: jsonText('1') }], skipDuplicates: true },
  );
  assert.deepEqual(
    argumentsOf('mutation { updateOneUser(where: {id: "1"}, data: {posts: {create: [{id: 1, body: "1"}]}}) { id } }')
      .data,
    { posts: { create: [{ id: 1, body: jsonText('1') }] } },
  );
  assert.deepEqual(
    argumentsOf(
      'mutation { updateOneUser(where: {id: "1"}, data: {posts: {update: {where: {id: 1}, data: {body: "1"}}}}) { id } }',
    ).data,
    { posts: { update: { where: { id: 1 }, data: { body: jsonText('1') } } } },
  );
});

test('text that is not GraphQL is P2008', () => {
  assert.throws(() => translate('query {'), hasCode('P2008'));
});

test('an unknown root field, an unknown model and a second root field are P2009', () => {
  assert.throws(() => translate('query { dropEverything }'), hasCode('P2009'));
  assert.throws(() => translate('query { findManyGhost { id } }'), hasCode('P2009'));
  assert.throws(() => translate('query { findManyUser { id } findManyPost { id } }'), hasCode('P2009'));
});

test('a number that no column can hold is refused before the engine sees it', () => {
  for (const number of ['9'.repeat(400), `-${'9'.repeat(20)}`, '9223372036854775808', '1e400', '-1e400'])
    assert.throws(() => argumentsOf(`mutation { createOneUser(data: {age: ${number}}) { id } }`), hasCode('P2007'));
});

test('JSON text that would end the engine is refused in every place where it may stand', () => {
  const huge = JSON.stringify(`[${'9'.repeat(400)}]`);
  for (const call of [
    `mutation { createManyUser(data: [{settings: ${huge}}]) { count } }`,
    `mutation { createOneUser(data: {extras: {set: ["1", ${huge}]}}) { id } }`,
    `mutation { createOneUser(data: {posts: {create: [{body: ${huge}}]}}) { id } }`,
    `query { findManyUser(where: {settings: {path: ["a"], equals: ${huge}}}) { id } }`,
  ])
    assert.throws(() => translate(call), hasCode('P2007'));
});

test('a NUL is replaced in text, in JSON text and in the parameters of raw SQL', () => {
  const given = argumentsOf(
    'mutation { createOneUser(data: {id: "a\\u0000", settings: "\\"\\\\u0000\\""}) { id } }',
  );
  assert.deepEqual(given.data, { id: 'a\ufffd', settings: jsonText('"\ufffd"') });
  const raw = argumentsOf('mutation { executeRaw(query: "x", parameters: "[\\"\\\\u0000\\"]") }');
  assert.equal(raw.parameters, '["\ufffd"]');
});
