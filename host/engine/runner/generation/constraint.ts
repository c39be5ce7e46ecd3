import { HostError, isHostError, messageOf } from '../../../common/errors.ts';
import type { JsonObject } from '../../../common/json.ts';
import { derive } from '../../../grammar/derive.ts';
import { choice, type Expression, isNothing, NOTHING } from '../../../grammar/expression.ts';
import { GrammarTooLargeError, toGbnf } from '../../../grammar/gbnf.ts';
import { matchLanguage, PatternError } from '../../../grammar/pattern.ts';
import { LanguageTooLargeError, regularRules } from '../../../grammar/regular.ts';
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
const ANY_OBJECT: { readonly jsonSchema: JsonObject; readonly field: string; readonly strict?: boolean } = {
  jsonSchema: { type: 'object' },
  field: 'settings.response_format',
};

/** A language, and the field of the request that it comes from. */
interface Language {
  readonly expression: Expression;
  readonly field: string;
  readonly ignored: readonly string[];
}

/**
 * Creates the state of a grammar that constrains one output to a JSON schema, a regular expression or a GBNF grammar.
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
  const { expression, field, ignored } = languageOf(constraint);
  const rest = constraint.prefix === undefined ? expression : derive(expression, constraint.prefix);
  if (isNothing(rest)) throw refused('settings.constraint_prefix', 'the beginning of an output that is allowed');
  return { state: await expressionState(choice(rest, other), field, parts), ignored };
}

function languageOf(constraint: Exclude<Constraint, { readonly grammar: string }>): Language {
  if ('regex' in constraint) {
    const { regex, flags } = constraint;
    const field = 'settings.regex';
    const expression = checked(() => regularRules(matchLanguage(regex, flags)), field);
    if (isNothing(expression)) throw refused(field, 'a regular expression that some text matches');
    return { expression, field, ignored: [] };
  }
  const { jsonSchema, field = 'settings.json_schema', strict = true } = 'json' in constraint ? ANY_OBJECT : constraint;
  return { ...checked(() => compileSchema(jsonSchema, { field, strict })), field };
}

/** Creates the grammar state of a language. */
export function expressionState(expression: Expression, field: string, parts: GrammarParts): Promise<GrammarState> {
  return grammarState(
    checked(() => toGbnf(expression), field),
    field,
    parts,
  );
}

/** Runs a function that reads a schema or a regular expression, and converts its errors. */
export function checked<T>(run: () => T, field = 'settings.json_schema'): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof PatternError) throw refused(field, `another regular expression: ${error.message}`);
    if (error instanceof GrammarTooLargeError || error instanceof LanguageTooLargeError)
      throw refused(field, `simpler: ${error.message}`);
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
