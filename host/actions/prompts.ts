import { invalidField, modelNotLoaded } from '../common/host-errors.ts';
import * as declared from '../protocol/actions/prompts.ts';
import { handle } from './action.ts';
import { withModelDefaults } from './model-defaults.ts';
import { modelIdFor } from './model-reference.ts';
import { promptInput } from './prompt-input.ts';

export const renderPrompt = handle(declared.renderPrompt, async (request, { services, signal }) => {
  const models = await services.models();
  const modelId = modelIdFor(request, models);
  const saved = await (await services.modelSettings()).get(modelId);
  const { prompt, tokens, stop } = await models.render(modelId, promptInput(withModelDefaults(request, saved)), signal);
  return { payload: { modelId, prompt, tokens, stop: [...stop] } };
});

export const countTokens = handle(declared.countTokens, async (request, { services, signal }) => {
  const models = await services.models();
  const modelId = modelIdFor(request, models);
  const { texts, ...prompt } = request;
  if (texts !== undefined && (request.messages ?? request.prompt) !== undefined) {
    throw invalidField('texts', 'omitted when `messages` or `prompt` is given', texts);
  }
  const saved = await (await services.modelSettings()).get(modelId);
  const tokens =
    texts === undefined
      ? (await models.render(modelId, promptInput(withModelDefaults(prompt, saved)), signal)).tokens
      : await models.countTokens(modelId, texts, signal);
  const model = models.get(modelId);
  if (model === undefined) throw modelNotLoaded(modelId);
  return { payload: { modelId, tokens, contextSize: model.contextSize } };
});
