import {
  type ChatTemplate,
  ChatTemplateError,
  TemplateLimitError,
  type TemplateVariables,
} from '../../../chat-template/chat-template.ts';
import type { ChatMessage } from '../../../models/generation.ts';
import { fillContent, foldSystemMessages, joinParts, joinTurns } from './adapt-messages.ts';

/** How Python prints null, and how it prints the beginning of a text part. */
const PRINTED_NULL = /None/g;
const PRINTED_PART = /\{'type': 'text'/g;

type Outcome = { readonly text: string } | { readonly error: ChatTemplateError };

/**
 * Renders a conversation. The messages are passed as they are, except where the template prints null or a list instead
 * of content, or refuses them: then content becomes text, system messages move into the first user message, and
 * consecutive messages of one role become one.
 *
 * @throws ChatTemplateError the first one, if no form of the messages can be rendered.
 */
export function renderChat(
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  variables: TemplateVariables,
  now: Date,
): string {
  const attempt = (form: readonly ChatMessage[]): Outcome => {
    try {
      return { text: template.render({ ...variables, messages: form }, { now }).text };
    } catch (error) {
      if (!(error instanceof ChatTemplateError) || error instanceof TemplateLimitError) throw error;
      return { error };
    }
  };
  let form = messages;
  const asGiven = attempt(messages);
  let outcome = asGiven;
  for (const [simplify, printed] of [
    [fillContent, PRINTED_NULL],
    [joinParts, PRINTED_PART],
  ] as const) {
    const simpler = simplify(form);
    if (simpler === undefined) continue;
    const simplerOutcome = attempt(simpler);
    if (!isBetter(simplerOutcome, outcome, printed)) continue;
    form = simpler;
    outcome = simplerOutcome;
  }
  for (const accepted of refusedForms(form)) {
    if ('text' in outcome) break;
    outcome = attempt(accepted);
  }
  if ('text' in outcome) return outcome.text;
  throw 'error' in asGiven ? asGiven.error : outcome.error;
}

/** Whether the simpler form renders where the other does not, or avoids something that is printed by mistake. */
function isBetter(simpler: Outcome, other: Outcome, printed: RegExp): boolean {
  if ('error' in simpler) return false;
  return 'error' in other || count(other.text, printed) > count(simpler.text, printed);
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** Forms of a conversation that a template may accept which refuses it as it is, the most similar first. */
function* refusedForms(messages: readonly ChatMessage[]): Generator<readonly ChatMessage[]> {
  const filled = fillContent(messages) ?? messages;
  for (const form of new Set([messages, joinParts(filled) ?? filled])) {
    if (form !== messages) yield form;
    const joined = joinTurns(form);
    if (joined !== undefined) yield joined;
    const folded = foldSystemMessages(form);
    if (folded === undefined) continue;
    yield folded;
    const foldedAndJoined = joinTurns(folded);
    if (foldedAndJoined !== undefined) yield foldedAndJoined;
  }
}
