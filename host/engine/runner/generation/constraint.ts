import { HostError, isHostError } from '../../../common/errors.ts';
import type { JsonObject } from '../../../common/json.ts';
import type { Constraint } from '../../../models/generation.ts';
import type { Binding, GrammarState, Llama, Model } from '../binding-types.ts';
import { checkedSchema } from './json-schema.ts';

/** What the binding puts behind the JSON: line breaks, by which its own chat class knows the end. */
const PADDING = / "(\\n)+" \[\\n\]\*$/;

/**
 * Makes the state of a grammar that holds one output to a JSON schema or a GBNF grammar.
 *
 * @throws HostError `INVALID_REQUEST` naming the field, for a schema or grammar that cannot be used.
 */
export async function grammarState(
  constraint: Constraint,
  { binding, llama, model }: { binding: Binding; llama: Llama; model: Model },
): Promise<GrammarState> {
  const field = 'jsonSchema' in constraint ? 'settings.json_schema' : 'settings.grammar';
  try {
    const gbnf = 'jsonSchema' in constraint ? await schemaGrammar(constraint.jsonSchema, llama) : constraint.grammar;
    const grammar = await llama.createGrammar({ grammar: gbnf });
    return new binding.LlamaGrammarEvaluationState({ model, grammar });
  } catch (error) {
    if (isHostError(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new HostError('INVALID_REQUEST', `Invalid grammar in \`${field}\`: ${reason}.`, {
      details: { field, reason },
    });
  }
}

/** The binding's grammar for a schema, without the padding: the output ends with the JSON. */
async function schemaGrammar(jsonSchema: JsonObject, llama: Llama): Promise<string> {
  // The binding's type spells out every schema it takes; `checkedSchema` has made sure of that.
  const schema = checkedSchema(jsonSchema) as { type: 'string' };
  const [root = '', ...rules] = (await llama.createGrammarForJsonSchema(schema)).grammar.split('\n');
  return [root.replace(PADDING, ''), ...rules].join('\n');
}
