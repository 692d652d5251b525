'use strict';
// The little that the translation needs to know of schema.prisma: which models there are, and each field's type.

const MODEL = /^[ \t]*model[ \t]+(\w+)[ \t]*\{([\s\S]*?)^[ \t]*\}/gm;
const FIELD = /^[ \t]*(\w+)[ \t]+(\w+)(\[\])?/gm;

/** Map of model name → Map of field name → {type, isList}. Attributes (`@@…`) and comments do not look like fields. */
function readModels(datamodel) {
  const models = new Map();
  for (const [, name, body] of datamodel.matchAll(MODEL)) {
    const fields = new Map();
    for (const [, field, type, brackets] of body.matchAll(FIELD))
      fields.set(field, { type, isList: Boolean(brackets) });
    models.set(name, fields);
  }
  return models;
}

module.exports = { readModels };
