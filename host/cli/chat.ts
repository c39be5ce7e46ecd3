import { type HostError, isHostError } from '../common/errors.ts';
import type { PayloadOf } from '../protocol/messages.ts';
import { type CommandContext, printLine } from './context.ts';
import { printable } from './terminal/text.ts';

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
   * Sends a prompt and writes the answer while it is generated: as text, or with `--json` as a line per event and one for the
   * reply. The first Ctrl-C stops the answer, the second the command. A prompt that fails is not kept.
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

/** Returns whether a chat can continue after an error: the prompt was the cause, not the model. */
export function isAboutTheQuestion(error: unknown): error is HostError {
  return isHostError(error, 'CONTEXT_OVERFLOW', 'CHAT_TEMPLATE_FAILED', 'INVALID_REQUEST');
}
