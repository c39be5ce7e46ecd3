/** An answer's thoughts and what it comes to. */
export interface ThoughtfulText {
  /** What a reasoning model wrote between `<think>` and `</think>` before its answer; empty for others. */
  readonly thoughts: string;
  /** True while the thoughts have not ended. */
  readonly isThinking: boolean;
  readonly answer: string;
}

/** Takes apart what a reasoning model writes. Most begin with the tag; some are begun with it by their template. */
export function splitThoughts(text: string): ThoughtfulText {
  const begun = /^\s*<think>\n?/.exec(text)?.[0];
  const end = text.indexOf('</think>');
  if (begun === undefined && end === -1) return { thoughts: '', isThinking: false, answer: text };
  const start = begun?.length ?? 0;
  if (end === -1) return { thoughts: text.slice(start), isThinking: true, answer: '' };
  const answer = text.slice(end + '</think>'.length).replace(/^\s+/, '');
  return { thoughts: text.slice(start, end).trim(), isThinking: false, answer };
}
