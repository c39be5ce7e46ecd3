import { type HostError, isHostError } from '../common/errors.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import { type CommandContext, printLine } from './context.ts';
import { printable } from './terminal/text.ts';

/** One turn of a conversation. */
interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A conversation with a loaded model: keeps its turns and streams each answer to stdout as it comes. */
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
   * Asks, and writes the answer while it comes: as text, or with `--json` as one line for each event and one for the
   * reply. The first Ctrl-C ends the answer, the second the command. A question that fails is forgotten.
   */
  async ask(content: string): Promise<PayloadOf<'GENERATE'>> {
    const { client, input, interrupts, terminal } = this.#context;
    const requestId = `run-${++this.#asked}`;
    const json = input.flag('json');
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
            else if (event.type === 'generationUpdate') terminal.stdout.write(printable(event.payload.token));
          },
        },
      );
      if (json) printLine(this.#context, payload);
      else terminal.stdout.write('\n');
      this.#turns.push(question, { role: 'assistant', content: payload.output });
      return payload;
    } finally {
      giveBack();
    }
  }
}

/** Whether a conversation can go on after this: the question was at fault, not the model. */
export function isAboutTheQuestion(error: unknown): error is HostError {
  return isHostError(error, 'CONTEXT_OVERFLOW', 'CHAT_TEMPLATE_FAILED', 'INVALID_REQUEST');
}
