import { randomInt } from 'node:crypto';
import { defined } from '../common/defined.ts';
import { errorInfo } from '../common/errors.ts';
import { invalidField } from '../common/host-errors.ts';
import { throttle } from '../common/progress.ts';
import { sum } from '../common/sum.ts';
import type { GenerateRequest, GenerationProgress, GenerationResult } from '../models/generation.ts';
import type { GenerationParams } from '../protocol/actions/generation.ts';
import { MAX_SEED } from '../protocol/actions/generation-limits.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { withChanges } from '../settings/generation-settings.ts';
import type { Actions, Call } from './action.ts';
import { percent } from './download-events.ts';
import { hasModelReference, namedModelId } from './has-model-reference.ts';
import { modelIdFor } from './model-for.ts';
import { storeTurn } from './store-turn.ts';

/** What the request says, and the kept settings where it says nothing. */
function orderFor(request: RequestOf<'GENERATE'>, kept: GenerationParams): GenerateRequest {
  const { messages, prompt, settings = {} } = request;
  if (messages !== undefined && prompt !== undefined) {
    throw invalidField('prompt', 'omitted when `messages` is given', prompt);
  }
  if (settings.json_schema !== undefined && settings.grammar !== undefined) {
    throw invalidField('settings.grammar', 'omitted when `settings.json_schema` is given', settings.grammar);
  }
  const { stop = [], seed = randomInt(MAX_SEED + 1), json_schema: jsonSchema, grammar } = settings;
  const params = withChanges(kept, settings);
  return {
    input: inputOf(messages, prompt),
    maxNewTokens: params.max_new_tokens,
    stop: typeof stop === 'string' ? [stop] : stop,
    sampling: {
      temperature: params.do_sample ? params.temperature : 0,
      topP: params.top_p,
      topK: params.top_k,
      minP: params.min_p,
      repetitionPenalty: params.repetition_penalty,
      seed,
    },
    // A parsed request is JSON, whatever its schema says of fields it does not name.
    ...(jsonSchema === undefined ? {} : { constraint: { jsonSchema: jsonSchema as Record<string, never> } }),
    ...(grammar === undefined ? {} : { constraint: { grammar } }),
  };
}

function inputOf(messages: RequestOf<'GENERATE'>['messages'], prompt: string | undefined): GenerateRequest['input'] {
  // Only the two fields: what else a message holds is not for the model's template.
  if (messages !== undefined) return { messages: messages.map(({ role, content }) => ({ role, content })) };
  if (prompt !== undefined) return { prompt };
  throw invalidField('messages', 'a list of messages, or `prompt` a text', undefined);
}

/** Tells the client how a generation goes. */
function teller(modelId: string, call: Call) {
  const promptProgress = throttle(({ processed, total }: { processed: number; total: number }) =>
    call.emit('generationPromptProgress', {
      modelId,
      processed,
      total,
      progress: percent(processed, total, processed >= total),
    }),
  );
  return (progress: GenerationProgress) => {
    if (progress.type === 'prompt') {
      promptProgress(progress);
      return;
    }
    promptProgress.flush();
    call.emit('generationUpdate', {
      token: progress.text,
      tps: progress.tokensPerSecond,
      numTokens: progress.numTokens,
    });
  };
}

function endPayload({ text, usage }: GenerationResult) {
  return { output: text, generatedText: text, tps: usage.tokensPerSecond, numTokens: usage.completionTokens };
}

export const actions: Actions<'GENERATE' | 'STOP_GENERATION'> = {
  async GENERATE(request, call) {
    const { services, signal, requestId } = call;
    try {
      const [models, settings] = await Promise.all([services.models(), services.settings()]);
      const modelId = modelIdFor(request, models);
      const order = orderFor(request, await settings.get());
      const onProgress = teller(modelId, call);
      const result = await models.generate(modelId, order, { signal, onProgress, tag: requestId });
      const end = endPayload(result);
      call.emit(result.finishReason === 'stopped' ? 'generationStopped' : 'generationComplete', end);
      const { finishReason, usage } = result;
      const kept = await storeTurn(request, result.text, services);
      return {
        payload: { ...end, finishReason, modelId, usage: { ...usage }, ...kept.payload },
        ...defined({ message: kept.message }),
        topLevel: { text: result.text },
      };
    } catch (error) {
      const { code, message } = errorInfo(error);
      call.emit('generationError', { code, error: message });
      throw error;
    }
  },

  async STOP_GENERATION(request, { services }) {
    const id = hasModelReference(request) ? namedModelId(request) : undefined;
    const stopped = (await services.models()).stopGenerations({ id, tag: request.targetRequestId });
    const backends = [...new Set(stopped.map(({ model }) => model.backend))];
    const count = sum(stopped.map((model) => model.count));
    return {
      message: count === 0 ? 'No active generation to stop' : `Generation stopped (${backends.join(', ')})`,
      payload: { stopped: count, stopped_backends: backends },
      topLevel: { stopped_backends: backends },
    };
  },
};
