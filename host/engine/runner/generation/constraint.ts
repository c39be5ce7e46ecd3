import { HostError, isHostError } from '../../../common/errors.ts';
import type { JsonObject } from '../../../common/json.ts';
import type { Constraint } from '../../../models/generation.ts';
import type { Binding, GrammarState, Llama, Model } from '../binding-types.ts';
import { checkedSchema } from './json-schema.ts';

/** Any JSON object (RFC 8259). Little white space, since a model may otherwise write it without end. */
const JSON_OBJECT = String.raw`root ::= object
object ::= "{" ws (member ("," ws member)*)? "}"
member ::= string ":" ws value
array ::= "[" ws (value ("," ws value)*)? "]"
value ::= (object | array | string | number | "true" | "false" | "null") ws
string ::= "\"" ([^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\""
number ::= "-"? ("0" | [1-9] [0-9]{0,17}) ("." [0-9]{1,17})? ([eE] [-+]? [0-9]{1,3})?
ws ::= (" " | "\n" [ \t]{0,16})?`;

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
  const field = 'jsonSchema' in constraint ? (constraint.field ?? 'settings.json_schema') : 'settings.grammar';
  try {
    const gbnf = await grammarOf(constraint, llama);
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

async function grammarOf(constraint: Constraint, llama: Llama): Promise<string> {
  if ('json' in constraint) return JSON_OBJECT;
  return 'grammar' in constraint ? constraint.grammar : schemaGrammar(constraint, llama);
}

/** The binding's grammar for a schema, without the padding: the output ends with the JSON. */
async function schemaGrammar(
  { jsonSchema, field }: Extract<Constraint, { jsonSchema: JsonObject }>,
  llama: Llama,
): Promise<string> {
  // The binding's type spells out every schema it takes; `checkedSchema` has made sure of that.
  const schema = checkedSchema(jsonSchema, field) as { type: 'string' };
  const [root = '', ...rules] = (await llama.createGrammarForJsonSchema(schema)).grammar.split('\n');
  return [root.replace(PADDING, ''), ...rules].join('\n');
}
