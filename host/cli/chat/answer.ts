import type { EventPayloads, PayloadOf } from '../../protocol/messages.ts';
import { type CommandContext, printLine } from '../context.ts';
import { type ProgressView, progressView } from '../terminal/progress.ts';
import { paint } from '../terminal/styles.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { printable } from '../terminal/text.ts';
import { MarkdownWriter } from './markdown.ts';

/** Milliseconds before the progress of a prompt is shown: a short one needs less. */
const SHOW_PROGRESS_AFTER_MS = 1_000;

let requests = 0;

/**
 * Sends a GENERATE request and writes the answer while it is generated: as text, or with `--json` as a line per event and
 * one for the reply. The first Ctrl-C stops the answer, the second the command.
 *
 * @param howToContinue Printed after an answer that reached a length limit.
 */
export async function answer(
  context: CommandContext,
  fields: Readonly<Record<string, unknown>>,
  howToContinue: string,
): Promise<PayloadOf<'GENERATE'>> {
  const { client, input, interrupts, terminal } = context;
  const requestId = `run-${++requests}`;
  const json = input.flag('json');
  const writer = new AnswerWriter(terminal);
  const release = interrupts.onCtrlC(() => {
    release();
    void client.request('STOP_GENERATION', { targetRequestId: requestId });
  });
  try {
    const { payload } = await client.request('GENERATE', fields, {
      requestId,
      onEvent: (event) => {
        if (json) printLine(context, event);
        else if (event.type === 'generationPromptProgress') writer.reading(event.payload);
        else if (event.type === 'generationUpdate') writer.write(event.payload);
        else if (event.type === 'generationToolCall') writer.call(event.payload);
      },
    });
    if (json) printLine(context, payload);
    else writer.end();
    if (!json) for (const note of notesOn(payload, howToContinue)) terminal.stderr.write(`${note}\n`);
    return payload;
  } finally {
    writer.abandon();
    release();
  }
}

function notesOn({ finishReason, trimmed }: PayloadOf<'GENERATE'>, howToContinue: string): string[] {
  return [
    ...(finishReason === 'length' ? [`The answer reached the length limit. ${howToContinue}`] : []),
    ...(trimmed === undefined
      ? []
      : [`The context is full: ${trimmed.messages} of the oldest messages were left out of the prompt.`]),
  ];
}

/**
 * Writes an answer piece by piece. On a terminal, Markdown is rendered, and reasoning and tool calls are dimmed; to a
 * file or pipe only the answer is written, as it is.
 */
class AnswerWriter {
  readonly #terminal: Terminal;
  readonly #answer: { write(text: string): void; end(): void };
  readonly #progress: ProgressView;
  readonly #startedAt = performance.now();
  #isReasoning = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#progress = progressView(terminal);
    const write = (text: string) => terminal.stdout.write(text);
    this.#answer = terminal.styled.stdout ? new MarkdownWriter(write) : { write, end() {} };
  }

  /** Shows how much of the prompt has been read, on a terminal. */
  reading({ progress }: EventPayloads['generationPromptProgress']): void {
    if (this.#terminal.columns === undefined || performance.now() - this.#startedAt < SHOW_PROGRESS_AFTER_MS) return;
    this.#progress.update({ label: 'Reading the prompt', percent: progress });
  }

  write({ token, reasoning = '' }: EventPayloads['generationUpdate']): void {
    this.#progress.end();
    if (reasoning !== '' && this.#terminal.styled.stdout) {
      this.#terminal.stdout.write(paint(printable(reasoning), 'dim', true));
      this.#isReasoning = true;
    }
    if (token === '') return;
    this.#endReasoning();
    this.#answer.write(printable(token));
  }

  call({ name, arguments: given }: EventPayloads['generationToolCall']): void {
    if (!this.#terminal.styled.stdout) return;
    this.#progress.end();
    this.#endReasoning();
    this.#answer.end();
    this.#terminal.stdout.write(`${paint(printable(`Tool call: ${name}(${given})`), 'dim', true)}\n`);
  }

  end(): void {
    this.#answer.end();
    this.#terminal.stdout.write('\n');
  }

  /** Removes the progress of a prompt whose answer has failed. */
  abandon(): void {
    this.#progress.end();
  }

  #endReasoning(): void {
    if (this.#isReasoning) this.#terminal.stdout.write('\n\n');
    this.#isReasoning = false;
  }
}
