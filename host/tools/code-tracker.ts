/** Tracks whether a position in Markdown text is in code: a fenced block, or between backticks in one line. */
export class CodeTracker {
  /** The open fence. */
  #fence: string | undefined;
  #line = '';

  /** Adds text. */
  text(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.#fence = fenceAfter(this.#fence, line);
  }

  /** Returns whether a position after further text is in code. */
  isCodeAfter(text: string): boolean {
    const lines = (this.#line + text).split('\n');
    const last = lines.pop() ?? '';
    const fence = lines.reduce(fenceAfter, this.#fence);
    if (fence !== undefined || fenceAfter(undefined, last) !== undefined) return true;
    return last.split('`').length % 2 === 0;
  }
}

function fenceAfter(open: string | undefined, line: string): string | undefined {
  const [, fence] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
  if (open === undefined) return fence;
  const closes = fence?.startsWith(open) === true && line.trim() === fence;
  return closes ? undefined : open;
}
