'use strict';
// prisma-client-py writes GraphQL text; the WebAssembly engine understands only Prisma's JSON protocol.
// This is the way in.
const { parse, Kind } = require('graphql');
const { EngineError, refused } = require('./errors');
const { storableJson, withoutEscapedNul, withoutNul } = require('./json_text');

const ACTIONS = [
  'findUnique',
  'findFirst',
  'findMany',
  'createOne',
  'createMany',
  'updateOne',
  'updateMany',
  'deleteOne',
  'deleteMany',
  'upsertOne',
  'aggregate',
  'groupBy',
];
const ACTION_SUFFIXES = ['', 'OrThrow', 'AndReturn'];
const RAW_ACTIONS = ['queryRaw', 'executeRaw'];
const LOGICAL_OPERATORS = new Set(['AND', 'OR', 'NOT']);
// Nested writes whose value wraps objects of fields under these names: `update: {where: {…}, data: {…}}`.
const WRAPPING_OPERATORS = new Set(['update', 'updateMany', 'upsert', 'connectOrCreate', 'createMany']);
const WRAPPED_NAMES = new Set(['where', 'data', 'create', 'update', 'skipDuplicates']);
// Operators of a Json filter whose value is a plain string and not JSON text.
const isPlainJsonOperand = (name) => name === 'path' || name === 'mode' || name.startsWith('string_');

// The values of raw SQL: a JSON array, as text.
const isRawParameters = (name, value) => name === 'parameters' && typeof value === 'string';

const isTagged = (value) => value.$type !== undefined;
const isPlainObject = (value) =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !isTagged(value);
const mapValues = (object, change) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value, name)]));

/** One GraphQL literal as the JSON protocol has it. */
function literal(node, variables) {
  switch (node.kind) {
    case Kind.INT:
      return integer(node.value);
    case Kind.FLOAT:
      return float(node.value);
    case Kind.STRING:
      return withoutNul(node.value);
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.ENUM:
      return { $type: 'Enum', value: node.value };
    case Kind.LIST:
      return node.values.map((item) => literal(item, variables));
    case Kind.OBJECT:
      return Object.fromEntries(node.fields.map((field) => [field.name.value, literal(field.value, variables)]));
    default:
      return variables?.[node.name.value]; // the only kind left is a variable
  }
}

function integer(text) {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  if (Math.abs(value) <= 2 ** 63 && BigInt.asIntN(64, BigInt(text)) === BigInt(text))
    return { $type: 'BigInt', value: text };
  throw refused('a number does not fit into a 64 bit signed integer');
}

/** Beyond what a float holds, JavaScript says Infinity, which JSON writes as null. */
function float(text) {
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw refused('a number does not fit into a 64 bit float');
}

/**
 * Tag the JSON text in the value of a Json column.
 * In GraphQL a string given to a Json column is JSON text; in the JSON protocol a bare string is a JSON string.
 */
function tagJsonText(value) {
  if (typeof value === 'string') return { $type: 'Json', value: storableJson(value) };
  if (Array.isArray(value)) return value.map(tagJsonText);
  if (!isPlainObject(value)) return value;
  return mapValues(value, (operand, name) => (isPlainJsonOperand(name) ? operand : tagJsonText(operand)));
}

/** Translates the operations of one datamodel: `models` as readModels gives it. */
class Translator {
  constructor(models) {
    this.models = models;
  }

  /**
   * One request body, {query, variables}, as {alias, isRaw, operation}: the JSON protocol's operation, and the name that
   * the caller expects the result under.
   */
  translate({ query, variables }) {
    const field = this.#onlyRootField(query);
    const { modelName, action } = this.#action(field.name.value);
    const operation = { modelName, action, query: this.#fieldQuery(field, variables, modelName) };
    return { alias: field.alias?.value ?? field.name.value, isRaw: action === 'queryRaw', operation };
  }

  #onlyRootField(query) {
    const { definitions } = this.#parse(query);
    const fields = definitions.flatMap((definition) => definition.selectionSet?.selections ?? []);
    if (definitions.length !== 1 || fields.length !== 1)
      throw new EngineError('P2009', 'a request has exactly one root field');
    return fields[0];
  }

  #parse(query) {
    try {
      return parse(query, { noLocation: true });
    } catch (error) {
      throw new EngineError('P2008', `Failed to parse the query: ${error.message}`);
    }
  }

  /** `findManyUser` → {action: 'findMany', modelName: 'User'}. */
  #action(name) {
    if (RAW_ACTIONS.includes(name)) return { action: name };
    for (const action of ACTIONS.filter((candidate) => name.startsWith(candidate))) {
      const rest = name.slice(action.length);
      for (const suffix of ACTION_SUFFIXES.filter((ending) => rest.endsWith(ending))) {
        const modelName = rest.slice(0, rest.length - suffix.length);
        if (this.models.has(modelName)) return { action: action + suffix, modelName };
      }
    }
    throw new EngineError('P2009', `Field not found in enclosing type: ${name}`);
  }

  #fieldQuery(field, variables, model) {
    return {
      arguments: this.#arguments(field, variables, model),
      selection: this.#selection(field.selectionSet, variables, model),
    };
  }

  #selection(set, variables, model) {
    const selection = {};
    for (const field of set?.selections ?? []) {
      const name = field.name.value;
      const isScalar = !field.selectionSet && !field.arguments?.length;
      selection[name] = isScalar || this.#fieldQuery(field, variables, this.models.get(model)?.get(name)?.type);
    }
    return selection;
  }

  #arguments(field, variables, model) {
    const given = (field.arguments ?? []).map((argument) => [argument.name.value, literal(argument.value, variables)]);
    return mapValues(Object.fromEntries(given), (value, name) =>
      isRawParameters(name, value) ? withoutEscapedNul(value) : this.#inFields(value, model),
    );
  }

  /** The values of an object whose names are fields of `model`, with JSON text tagged. */
  #inFields(value, model) {
    if (Array.isArray(value)) return value.map((item) => this.#inFields(item, model));
    if (!isPlainObject(value)) return value;
    return mapValues(value, (inner, name) => {
      if (LOGICAL_OPERATORS.has(name)) return this.#inFields(inner, model);
      const type = this.models.get(model)?.get(name)?.type;
      if (type === 'Json') return tagJsonText(inner);
      return this.models.has(type) ? this.#inOperators(inner, type) : inner;
    });
  }

  /** The values of an object whose names are operators on a relation to `model`: create, connect, some, is … */
  #inOperators(value, model) {
    if (Array.isArray(value)) return value.map((item) => this.#inOperators(item, model));
    if (!isPlainObject(value)) return value;
    return mapValues(value, (inner, name) =>
      WRAPPING_OPERATORS.has(name) && this.#wraps(inner)
        ? this.#inOperators(inner, model)
        : this.#inFields(inner, model),
    );
  }

  #wraps(value) {
    const example = Array.isArray(value) ? value[0] : value;
    return isPlainObject(example ?? null) && Object.keys(example).every((name) => WRAPPED_NAMES.has(name));
  }
}

module.exports = { Translator };
