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
import { type ScriptedAnswer, scriptedModel } from '../gguf/scripted-model.ts';

/** A scripted model, and a request to it. */
export interface GenerationCase {
  readonly script: ScriptedAnswer;
  readonly request: GenerateRequest;
  /** The result of every tool call in the generate. */
  readonly toolResult?: string;
}

/** The result of the generation, or an error. */
export interface GenerationOutcome {
  readonly result: GenerationResult;
  readonly events: readonly GenerationProgress[];
  /** The prompt for the next generate, with the calls and their results, if the case has a `toolResult`. */
  readonly next?: string;
  readonly error?: string;
}

const ignore = () => undefined;

/**
 * Runs scripted models in one process, which is faster than one process each. Each message is a case; the reply is its
 * outcome.
 */
process.on('message', async (message) => {
  process.send?.(await generate(message as GenerationCase).catch((error: unknown) => ({ error: String(error) })));
});
process.send?.('ready');

async function generate({ script, request, toolResult }: GenerationCase): Promise<GenerationOutcome> {
  const file = join(tmpdir(), `tabagent-generate-${process.pid}.gguf`);
  try {
    writeFileSync(file, scriptedModel({ contextLength: 8192, ...script }));
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
