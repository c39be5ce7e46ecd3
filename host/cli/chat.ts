import { type HostError, isHostError } from '../common/errors.ts';
import type { EventPayloads, PayloadOf } from '../protocol/messages.ts';
import { type CommandContext, printLine } from './context.ts';
import { paint } from './terminal/styles.ts';
import type { Terminal } from './terminal/terminal.ts';
import { printable } from './terminal/text.ts';

/** Printed after an answer that was cut off. */
const CUT = 'The answer reached the length limit. Raise the limit with --max-tokens or --context.\n';

/** A message of a chat. */
interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A chat with a loaded model. Keeps its turns, and streams each answer to stdout. */
export class Chat {
  readonly #context: CommandContext;
  readonly #modelId: string;
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #system: readonly Turn[];
  #turns: Turn[] = [];
  #asked = 0;

  constructor(context: CommandContext, options: { modelId: string; system?: string | undefined; settings: object }) {
    this.#context = context;
    this.#modelId = options.modelId;
    this.#settings = { ...options.settings };
    this.#system = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  }

  /** Forgets the conversation so far. */
  clear(): void {
    this.#turns = [];
  }

  /**
   * Sends a prompt and writes the answer while it is generated: as text, or with `--json` as a line per event and one for
   * the reply. The first Ctrl-C stops the answer, the second the command. A prompt that fails is not kept.
   */
  async ask(content: string): Promise<PayloadOf<'GENERATE'>> {
    const { client, input, interrupts, terminal } = this.#context;
    const requestId = `run-${++this.#asked}`;
    const json = input.flag('json');
    const write = answerWriter(terminal);
    const question: Turn = { role: 'user', content };
    const giveBack = interrupts.onCtrlC(() => {
      giveBack();
      void client.request('STOP_GENERATION', { targetRequestId: requestId });
    });
    try {
      const { payload } = await client.request(
        'GENERATE',
        {
          modelId: this.#modelId,
          messages: [...this.#system, ...this.#turns, question],
          settings: this.#settings,
        },
        {
          requestId,
          onEvent: (event) => {
            if (json) printLine(this.#context, event);
            else if (event.type === 'generationUpdate') write(event.payload);
          },
        },
      );
      if (json) printLine(this.#context, payload);
      else {
        terminal.stdout.write('\n');
        if (payload.finishReason === 'length') terminal.stderr.write(CUT);
      }
      this.#turns.push(question, { role: 'assistant', content: payload.output });
      return payload;
    } finally {
      giveBack();
    }
  }
}

/**
 * Returns a function that writes an answer piece by piece. Reasoning is dimmed on a terminal; to a file or pipe only the
 * answer is written.
 */
function answerWriter({ stdout, styled }: Terminal): (update: EventPayloads['generationUpdate']) => void {
  let isReasoning = false;
  return ({ token, reasoning = '' }) => {
    if (reasoning !== '' && styled.stdout) {
      stdout.write(paint(printable(reasoning), 'dim', true));
      isReasoning = true;
    }
    if (token === '') return;
    if (isReasoning) stdout.write('\n\n');
    isReasoning = false;
    stdout.write(printable(token));
  };
}

/** Returns whether a chat can continue after an error: the prompt was the cause, not the model. */
export function isAboutTheQuestion(error: unknown): error is HostError {
  return isHostError(error, 'CONTEXT_OVERFLOW', 'CHAT_TEMPLATE_FAILED', 'INVALID_REQUEST');
}
