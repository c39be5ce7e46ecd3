import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LlamaRuntime } from '../../../host/engine/runner/llama-runtime.ts';
import type {
  ChatMessage,
  GenerateRequest,
  GenerationProgress,
  GenerationResult,
} from '../../../host/models/generation.ts';
import { toolCallFields } from '../../../host/tools/tool-function.ts';
import { type Speech, speakingModel } from '../gguf/speaking-model.ts';

/** One model, and what it is asked. */
export interface Question {
  readonly speech: Speech;
  readonly request: GenerateRequest;
  /** What each call of the answer gives. */
  readonly toolResult?: string;
}

/** What the model answered. */
export interface Answer {
  readonly result: GenerationResult;
  readonly events: readonly GenerationProgress[];
  /** The prompt for the next answer, with the calls and their results; where the question has one. */
  readonly next?: string;
  readonly error?: string;
}

const ignore = () => undefined;

/** Runs generated models in one process, which starts only once: each message is a question and gets an answer. */
process.on('message', async (message) => {
  process.send?.(await answer(message as Question).catch((error: unknown) => ({ error: String(error) })));
});
process.send?.('ready');

async function answer({ speech, request, toolResult }: Question): Promise<Answer> {
  const file = join(tmpdir(), `tabagent-answer-${process.pid}.gguf`);
  try {
    writeFileSync(file, speakingModel({ contextLength: 8192, ...speech }));
    const llama = await LlamaRuntime.start('off');
    await llama.load({ file, settings: { gpuLayers: 0, contextSize: 8192, threads: 1 } }, ignore);
    const events: GenerationProgress[] = [];
    const result = await llama.generate({ work: 1, request }, ignore, (event) => events.push(event));
    if (toolResult === undefined || !('messages' in request.input)) return { result, events };
    const { messages, chat } = request.input;
    const results: ChatMessage[] = result.toolCalls.map(({ id, name }) => ({
      role: 'tool',
      content: toolResult,
      tool_call_id: id,
      name,
    }));
    const called: ChatMessage = {
      role: 'assistant',
      content: result.text,
      tool_calls: toolCallFields(result.toolCalls),
    };
    const { prompt } = llama.render({ messages: [...messages, called, ...results], chat }, ignore);
    return { result, events, next: prompt };
  } finally {
    rmSync(file, { force: true });
  }
}
