import { defined } from '../common/defined.ts';
import { errorInfo } from '../common/errors.ts';
import { sum } from '../common/sum.ts';
import { assertUsed, type GenerationResult } from '../models/generation.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import * as declared from '../protocol/actions/generation.ts';
import type { RequestOf } from '../protocol/messages.ts';
import { type Call, handle } from './action.ts';
import { turnStart, usesHistory } from './chat-turn.ts';
import { unusedFields } from './generate-request.ts';
import { GenerationRun, toolCallsOf } from './generation-run.ts';
import { hasModelReference, modelIdFor, namedModelId } from './model-reference.ts';
import { pageOf } from './paging.ts';

function endPayload(modelId: string, { text, usage }: GenerationResult) {
  return {
    modelId,
    output: text,
    generatedText: text,
    tps: usage.tokensPerSecond,
    numTokens: usage.completionTokens,
  };
}

function reasoningOf({ reasoning }: GenerationResult) {
  return reasoning === '' ? {} : { reasoning };
}

/**
 * Returns the id of the model that a request names, else of the conversation's if it is loaded, else of the active one.
 *
 * @throws HostError `MODEL_NOT_LOADED`, `INVALID_REQUEST`.
 */
async function modelOf(request: RequestOf<'GENERATE'>, models: ModelRegistry, { services }: Call): Promise<string> {
  const { chat_id: id } = request;
  if (id === undefined || !usesHistory(request) || hasModelReference(request)) return modelIdFor(request, models);
  const own = await (await services.conversations()).modelOf(id);
  return own !== undefined && models.get(own) !== undefined ? own : modelIdFor(request, models);
}

export const generate = handle(declared.generate, async (request, call) => {
  const { services, signal, requestId, emit } = call;
  const starting = services.generations.starting(requestId);
  let modelId: string | null = null;
  let run: GenerationRun | undefined;
  try {
    // Both await only this, so the registry has the generation before a STOP_GENERATION that arrives next looks for it.
    const models = await services.models();
    modelId = await modelOf(request, models, call);
    const unused = unusedFields(request);
    assertUsed(unused, request.strict);
    const start = turnStart(request);
    run = new GenerationRun({ request, modelId, services, requestId });
    const { result, message } = await run.run({ models, start, signal, emit, isStopped: starting.end(modelId) });
    const end = endPayload(modelId, result);
    emit(result.finishReason === 'stopped' ? 'generationStopped' : 'generationComplete', end);
    const { finishReason, usage } = result;
    const ignored = [...unused, ...result.ignored];
    return {
      payload: {
        ...end,
        ...reasoningOf(result),
        ...toolCallsOf(result),
        finishReason,
        usage: { ...usage },
        ...defined({ conversation: run.conversation, trimmed: result.trimmed && { ...result.trimmed } }),
      },
      ...defined({ message }),
      topLevel: { text: result.text, ...(ignored.length === 0 ? {} : { ignored }) },
    };
  } catch (error) {
    const { code, message } = errorInfo(error);
    emit('generationError', { modelId, code, error: message });
    throw error;
  } finally {
    starting.end(modelId);
    run?.close();
  }
});

export const getActiveGenerations = handle(declared.getActiveGenerations, async (request, { services }) => {
  const { items, ...next } = pageOf(services.generations.list(), request, (generation) => ({
    modelId: generation.modelId,
    conversation_id: generation.conversationId,
    message_id: generation.messageId,
    text: generation.text,
    reasoning: generation.reasoning,
    tps: generation.tokensPerSecond,
    numTokens: generation.numTokens,
    startedAt: generation.startedAt,
    ...defined({ requestId: generation.requestId }),
  }));
  return { payload: { generations: items, ...next } };
});

export const stopGeneration = handle(declared.stopGeneration, async (request, { services }) => {
  const id = hasModelReference(request) ? namedModelId(request) : undefined;
  const models = await services.models();
  const which = { id, tag: request.targetRequestId };
  // Only now: a generation that was waiting for the models as well has been registered by now.
  const starting = services.generations.stopStarting(which);
  const stopped = models.stopGenerations(which);
  const backends = [...new Set(stopped.map(({ model }) => model.backend))];
  const elsewhere = request.everywhere === true ? await (await services.peers()).stopGenerations(id) : 0;
  const count = (await starting) + elsewhere + sum(stopped.map((model) => model.count));
  if (count === 0) return { message: 'No active generation to stop', payload: { stopped: 0, stopped_backends: [] } };
  const ends = await Promise.all(
    stopped.map(async ({ model, processEnded }) => ((await processEnded) ? [model.id] : [])),
  );
  const ended = ends.flat();
  return {
    message:
      ended.length === 0
        ? `Generation stopped${backends.length === 0 ? '' : ` (${backends.join(', ')})`}`
        : `Generation stopped. ${ended.join(', ')} did not respond, so its process was ended. Load it again.`,
    payload: { stopped: count, stopped_backends: backends, ...(ended.length === 0 ? {} : { ended }) },
  };
});
