'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { EngineError, describeDriverError, errorBody, revealDriverErrors } = require('../lib/errors');

test('an error names its code where prisma-client-py looks for it', () => {
  assert.deepEqual(errorBody(new EngineError('P2009', 'no such field')).errors, [
    {
      error: 'no such field',
      user_facing_error: { is_panic: false, message: 'no such field', meta: {}, error_code: 'P2009' },
    },
  ]);
});

test('a busy pool is P2024, an unreachable server P1001, anything else P2010', () => {
  const codeOf = (message, code) => describeDriverError(Object.assign(new Error(message), { code })).error_code;
  assert.equal(codeOf('timeout exceeded when trying to connect'), 'P2024');
  assert.equal(codeOf('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'P1001');
  assert.equal(codeOf('Connection terminated unexpectedly'), 'P1001');
  assert.equal(codeOf('cannot serialize'), 'P2010');
});

test('an external error is replaced by what it stands for, and then forgotten', () => {
  const registry = {
    registeredErrors: [{ error: new Error('Connection terminated') }],
    consumeError: (id) => registry.registeredErrors[id],
  };
  const reply = { errors: [{ error: 'x', user_facing_error: { error_code: 'P2036', meta: { id: 0 }, message: 'x' } }] };
  revealDriverErrors(reply, registry);
  assert.equal(reply.errors[0].user_facing_error.error_code, 'P1001');
  assert.match(reply.errors[0].error, /Can't reach database server: Connection terminated/);
  assert.equal(registry.registeredErrors[0], undefined);
});

test('errors of the server itself stay as they are', () => {
  const reply = {
    errors: [{ error: 'x', user_facing_error: { error_code: 'P2002', meta: { target: ['id'] }, message: 'Unique' } }],
  };
  revealDriverErrors(reply, {});
  assert.deepEqual(reply.errors[0].user_facing_error, {
    error_code: 'P2002',
    meta: { target: ['id'] },
    message: 'Unique',
  });
});

test('a value that does not fit is told apart from a field that does not exist', () => {
  const codeFor = (meta) => {
    const reply = { errors: [{ error: 'x', user_facing_error: { error_code: 'P2009', meta, message: 'x' } }] };
    return revealDriverErrors(reply, {}).errors[0].user_facing_error.error_code;
  };
  const value = { kind: 'InvalidArgumentValue' };
  assert.equal(codeFor(value), 'P2007');
  const nested = { kind: 'Union', errors: [value] };
  assert.equal(codeFor({ kind: 'Union', errors: [{ kind: 'InvalidArgumentType' }, nested] }), 'P2007');
  assert.equal(codeFor({ kind: 'Union', errors: [value, { kind: 'UnknownInputField' }] }), 'P2009');
  assert.equal(codeFor({ kind: 'RequiredArgumentMissing' }), 'P2009');
  assert.equal(codeFor(undefined), 'P2009');
});
