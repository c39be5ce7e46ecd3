import {
  type ChatTemplate,
  ChatTemplateError,
  TemplateLimitError,
  type TemplateVariables,
} from '../../../chat-template/chat-template.ts';
import type { ChatMessage } from '../../../models/generation.ts';
import { fillContent, foldSystemMessages, joinParts, joinTurns } from './adapt-messages.ts';
import { plainToolMessages, withParsedArguments } from './tool-messages.ts';

/** Python's output for null, and for the beginning of a text part. */
const PRINTED_NULL = /None/g;
const PRINTED_PART = /\{'type': 'text'/g;

type Outcome = { readonly text: string } | { readonly error: ChatTemplateError };

/**
 * Renders a conversation. The messages are passed unchanged unless the template prints null or a list instead of
 * content, or rejects them: then content becomes text, system messages move into the first user message, and
 * consecutive messages of one role become one.
 *
 * @throws ChatTemplateError The first error, if no form of the messages can be rendered.
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
  const asGiven = withSimplerContent(messages, attempt);
  if ('text' in asGiven) return asGiven.text;
  for (const form of acceptableForms(messages)) {
    const outcome = withSimplerContent(form, attempt);
    if ('text' in outcome) return outcome.text;
  }
  throw asGiven.error;
}

/** Renders the messages, with simpler content if the template does not support theirs. */
function withSimplerContent(
  messages: readonly ChatMessage[],
  attempt: (form: readonly ChatMessage[]) => Outcome,
): Outcome {
  const asGiven = attempt(messages);
  let form = messages;
  let outcome = asGiven;
  for (const [simplify, printed] of [
    [fillContent, PRINTED_NULL],
    [joinParts, PRINTED_PART],
  ] as const) {
    const simpler = simplify(form);
    if (simpler === undefined) continue;
    const simplerOutcome = attempt(simpler);
    // If both are rejected, the next step may still help.
    if ('error' in simplerOutcome ? 'text' in outcome : !isBetter(simplerOutcome, outcome, printed)) continue;
    form = simpler;
    outcome = simplerOutcome;
  }
  return 'text' in outcome ? outcome : asGiven;
}

/**
 * Returns whether the simpler form renders although the other does not, or avoids values that are printed by mistake.
 */
function isBetter(simpler: { readonly text: string }, other: Outcome, printed: RegExp): boolean {
  return 'error' in other || count(other.text, printed) > count(simpler.text, printed);
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** Yields forms of a conversation that a template which rejects it may accept, the most similar first. */
function* acceptableForms(messages: readonly ChatMessage[]): Generator<readonly ChatMessage[]> {
  yield* joinedForms(messages);
  for (const form of [withParsedArguments(messages), plainToolMessages(messages)]) {
    if (form === undefined) continue;
    yield form;
    yield* joinedForms(form);
  }
}

function* joinedForms(messages: readonly ChatMessage[]): Generator<readonly ChatMessage[]> {
  const joined = joinTurns(messages);
  if (joined !== undefined) yield joined;
  const folded = foldSystemMessages(messages);
  if (folded === undefined) return;
  yield folded;
  const foldedAndJoined = joinTurns(folded);
  if (foldedAndJoined !== undefined) yield foldedAndJoined;
}
