import { Worker } from 'node:worker_threads';
import { HostError } from '../../../common/errors.ts';
import type { TemplateAnswer, TemplateTask, TemplateValues } from './template-messages.ts';

/** Longest a template may take over one conversation, milliseconds. Real ones take a few; the thread's start some 50. */
const RENDER_TIMEOUT_MS = 3_000;

/**
 * The thread's heap, MiB: far above what `render-template.ts` lets a template make, and room for the one string of
 * JavaScript's largest size that a filter can make before it is reckoned up. The stack bounds how deep expressions nest.
 */
const MEMORY = { maxOldGenerationSizeMb: 1_536, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 };

/** Longest template that is tried, UTF-16 units. The longest published ones have some 20,000. */
const MAX_TEMPLATE_LENGTH = 512 * 1024;

/** The rendering thread: started with the first conversation, ended when a template misbehaves, then started anew. */
export class TemplateRenderer {
  #worker: Worker | undefined;
  #nextId = 1;

  /**
   * Renders a conversation. One at a time.
   *
   * @throws HostError `CHAT_TEMPLATE_FAILED`; the signal's reason when aborted.
   */
  async render(template: string, values: TemplateValues, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    if (template.length > MAX_TEMPLATE_LENGTH) throw failed(`it has ${template.length} characters`);
    const worker = this.#worker ?? this.#start();
    this.#worker = worker;
    const answered = Promise.withResolvers<TemplateAnswer>();
    const listeners = {
      message: (answer: TemplateAnswer) => answered.resolve(answer),
      error: (error: Error) => answered.reject(failed(error.message)),
      exit: () => answered.reject(failed('its thread ended')),
    };
    const abort = () => answered.reject(signal.reason);
    const timer = setTimeout(
      () => answered.reject(failed(`it took longer than ${RENDER_TIMEOUT_MS / 1000} s`)),
      RENDER_TIMEOUT_MS,
    );
    signal.addEventListener('abort', abort, { once: true });
    for (const [event, listener] of Object.entries(listeners)) worker.once(event, listener);
    let answer: TemplateAnswer;
    try {
      worker.postMessage({ id: this.#nextId++, template, values } satisfies TemplateTask);
      answer = await answered.promise;
    } catch (error) {
      // Whatever it is doing, it is not to go on; the next conversation gets a new thread.
      this.#worker = undefined;
      await worker.terminate();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      for (const [event, listener] of Object.entries(listeners)) worker.off(event, listener);
    }
    if ('fault' in answer) throw failed(answer.fault, true);
    return answer.text;
  }

  #start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? './template-worker.ts' : './template-worker.js';
    const worker = new Worker(new URL(file, import.meta.url), { resourceLimits: MEMORY, env: {} });
    worker.unref();
    worker.on('error', () => {
      // Told to whoever waits; between two conversations nobody does, and the next one gets a new thread.
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}

/** @param refused The template's own refusal, not a limit of ours: other messages may pass. */
function failed(reason: string, refused = false): HostError {
  const words = reason.slice(0, 300);
  return new HostError(
    'CHAT_TEMPLATE_FAILED',
    `The model's chat template could not render these messages: ${words}. Send other roles, or a plain \`prompt\`.`,
    { details: { reason: words, refused } },
  );
}
