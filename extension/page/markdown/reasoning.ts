/** The parts of a model's output. */
export interface AnswerParts {
  /** What a reasoning model wrote between `<think>` and `</think>` before its answer; empty for others. */
  readonly reasoning: string;
  /** True while the reasoning has not ended. */
  readonly isReasoning: boolean;
  readonly answer: string;
}

/** Separates reasoning from the answer. Most outputs start with the tag; some templates already contain it. */
export function splitReasoning(text: string): AnswerParts {
  const opening = /^\s*<think>\n?/.exec(text)?.[0];
  const end = text.indexOf('</think>');
  if (opening === undefined && end === -1) return { reasoning: '', isReasoning: false, answer: text };
  const start = opening?.length ?? 0;
  if (end === -1) return { reasoning: text.slice(start), isReasoning: true, answer: '' };
  const answer = text.slice(end + '</think>'.length).replace(/^\s+/, '');
  return { reasoning: text.slice(start, end).trim(), isReasoning: false, answer };
}
