import { Kind } from 'graphql';

/**
 * What a result hands to the other operations of its document.
 *
 * An example may hold two operations: the first finds (or makes) something and aliases a field to the
 * name of a variable of the second, as in `recommendationId: id`. This returns {variable: value} for
 * every required variable without a default of which the result holds a value under its name.
 */
export function carriedVariables(documentAST, data) {
  const wanted = new Set();
  for (const definition of documentAST.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const variable of definition.variableDefinitions ?? []) {
      if (variable.type.kind === Kind.NON_NULL_TYPE && !variable.defaultValue) wanted.add(variable.variable.name.value);
    }
  }
  const found = {};
  collect(data, wanted, found);
  return found;
}

function collect(value, wanted, found) {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, wanted, found);
  } else if (value && typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) {
      const plain = inner === null || typeof inner !== 'object';
      if (plain && inner !== null && wanted.has(name) && !(name in found)) found[name] = inner;
      else collect(inner, wanted, found);
    }
  }
}
