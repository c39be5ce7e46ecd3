import { HostError, isHostError, messageOf } from '../../../common/errors.ts';
import type { JsonObject } from '../../../common/json.ts';
import { choice, type Expression, NOTHING } from '../../../grammar/expression.ts';
import { GrammarTooLargeError, toGbnf } from '../../../grammar/gbnf.ts';
import { compileSchema } from '../../../json-schema/compile.ts';
import { SchemaError } from '../../../json-schema/schema-error.ts';
import type { Constraint } from '../../../models/generation.ts';
import type { Binding, GrammarState, Llama, Model } from '../binding-types.ts';

/** Creates the states of grammars. */
export interface GrammarParts {
  readonly binding: Binding;
  readonly llama: Llama;
  readonly model: Model;
}

/** A grammar for one output. */
export interface Constrained {
  readonly state: GrammarState;
  /** Paths in the request of what the grammar does not enforce. */
  readonly ignored: readonly string[];
}

/** The schema of `json`. */
const ANY_OBJECT: Extract<Constraint, { readonly jsonSchema: JsonObject }> = {
  jsonSchema: { type: 'object' },
  field: 'settings.response_format',
};

/**
 * Creates the state of a grammar that constrains one output to a JSON schema or a GBNF grammar.
 *
 * @param other What the output may be instead.
 * @throws HostError `INVALID_REQUEST` naming the field, for a schema or grammar that cannot be used.
 */
export async function constrain(
  constraint: Constraint,
  parts: GrammarParts,
  other: Expression = NOTHING,
): Promise<Constrained> {
  if ('grammar' in constraint) {
    return {
      state: await grammarState(constraint.grammar, 'settings.grammar', parts),
      ignored: [],
    };
  }
  const { jsonSchema, field = 'settings.json_schema', strict = true } = 'json' in constraint ? ANY_OBJECT : constraint;
  const { expression, ignored } = checked(() => compileSchema(jsonSchema, { field, strict }));
  return { state: await expressionState(choice(expression, other), field, parts), ignored };
}

/** Creates the grammar state of a language. */
export function expressionState(expression: Expression, field: string, parts: GrammarParts): Promise<GrammarState> {
  return grammarState(
    checked(() => toGbnf(expression), field),
    field,
    parts,
  );
}

/** Runs a function that reads a schema, and converts its errors. */
export function checked<T>(run: () => T, field = 'settings.json_schema'): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof GrammarTooLargeError) throw refused(field, `simpler: ${error.message}`);
    if (error instanceof SchemaError) throw refused(error.path, error.expected);
    throw error;
  }
}

async function grammarState(grammar: string, field: string, parts: GrammarParts): Promise<GrammarState> {
  const { binding, llama, model } = parts;
  try {
    return new binding.LlamaGrammarEvaluationState({
      model,
      grammar: await llama.createGrammar({ grammar }),
    });
  } catch (error) {
    if (isHostError(error)) throw error;
    const reason = messageOf(error);
    throw new HostError('INVALID_REQUEST', `Invalid grammar in \`${field}\`: ${reason}.`, {
      details: { field, reason },
    });
  }
}

/** @param field The path in the request. */
function refused(field: string, expected: string): HostError {
  return new HostError('INVALID_REQUEST', `Expected \`${field}\` to be ${expected}.`, { details: { field, expected } });
}
