import * as v from 'valibot';
import { defineEvent } from './define.ts';
import {
  bytes,
  calledFunction,
  count,
  downloadActivity,
  errorInfo,
  field,
  modelId,
  nullable,
  optional,
  percentage,
  requestId,
  toolCallId,
} from './fields.ts';

/** Fields of every event about the bytes of a model. */
const transfer = {
  modelId,
  repoId: field(v.string(), 'The repository.'),
  fileName: field(
    v.string(),
    'The file; of a model split into several files, the first. Empty while the hub is asked which file it is.',
  ),
  loaded: field(bytes, 'Bytes that are done.'),
  total: field(bytes, 'Bytes of the whole model.'),
  progress: field(percentage, 'The share that is done.'),
  bytesPerSecond: field(count, 'Current speed.'),
  etaSeconds: nullable(count, 'Remaining seconds at this speed; null while it is unknown.'),
};

export const modelDownloadProgress = defineEvent({
  type: 'MODEL_DOWNLOAD_PROGRESS',
  summary: 'Reports the progress of a download, or of the download of damaged chunks during a repair.',
  payload: { ...transfer, ...downloadActivity },
  coalescedBy: ['modelId'],
});

export const modelVerifyProgress = defineEvent({
  type: 'MODEL_VERIFY_PROGRESS',
  summary: 'Extension: reports the progress of reading and verifying model files.',
  payload: {
    ...transfer,
    model: field(count, 'The number of this model, from 1.'),
    models: field(count, 'How many models are verified.'),
  },
  coalescedBy: ['modelId'],
});

export const cacheMoveProgress = defineEvent({
  type: 'CACHE_MOVE_PROGRESS',
  summary: 'Extension: reports the progress of moving the cache.',
  payload: {
    moved: field(bytes, 'Bytes that have been moved.'),
    total: field(bytes, 'Bytes to move.'),
    progress: field(percentage, 'The share that is done.'),
  },
  coalescedBy: [],
});

export const modelLoadingProgress = defineEvent({
  type: 'modelWorkerLoadingProgress',
  summary: 'Reports the progress of loading a model, including its download.',
  payload: {
    status: field(
      v.picklist(['initiate', 'progress', 'done', 'error', 'cached']),
      '`initiate` starts it, `cached` means that the model is loaded or downloaded already, and `done` or `error` ends it.',
    ),
    modelId,
    file: field(v.string(), 'Alias of `modelId`.'),
    progress: field(percentage, 'The share of the current step that is done.'),
    loaded: optional(bytes, 'During a download: bytes that are done.'),
    total: optional(bytes, 'During a download: bytes of the whole model.'),
    message: optional(v.string(), 'The current step, or the reason for an error.'),
    loadId: optional(requestId, '`loadId` of the request.'),
  },
  coalescedBy: ['modelId'],
});

export const generationPromptProgress = defineEvent({
  type: 'generationPromptProgress',
  summary: 'Extension: reports how much of a long prompt has been evaluated.',
  payload: {
    modelId,
    processed: field(count, 'Tokens that have been evaluated, including those kept from the previous turn.'),
    total: field(count, 'Tokens of the whole prompt.'),
    progress: field(percentage, 'The share that is done.'),
  },
  coalescedBy: ['modelId'],
});

export const generationUpdate = defineEvent({
  type: 'generationUpdate',
  summary:
    'Delivers the text generated since the previous update: of the answer, or of the reasoning. Concatenated, the updates are the whole output.',
  payload: {
    modelId,
    token: field(v.string(), 'The text of one or several tokens of the answer. Never splits a character.'),
    reasoning: optional(v.string(), 'Extension: reasoning; `token` is then empty.'),
    chat_id: optional(v.string(), 'Extension: the conversation, if the request has a `chat_id`.'),
    message_id: optional(v.string(), 'Extension: the message in which the answer is stored.'),
    tps: field(v.number(), 'Tokens per second so far.'),
    numTokens: field(count, 'Tokens so far.'),
  },
});

export const generationToolCall = defineEvent({
  type: 'generationToolCall',
  summary: 'Extension: reports a tool call of the model as soon as it is complete.',
  payload: {
    modelId,
    index: field(count, 'The number of the call in this answer, from 0.'),
    id: toolCallId,
    ...calledFunction,
  },
});

/** The payload of both events that end a generation. */
const generationEnd = {
  modelId,
  output: field(v.string(), 'The whole text.'),
  generatedText: field(v.string(), 'Alias of `output`.'),
  tps: field(v.number(), 'Tokens per second, from the first token.'),
  numTokens: field(count, 'Tokens of the text.'),
};

export const generationComplete = defineEvent({
  type: 'generationComplete',
  summary: 'Reports that a generation has finished.',
  payload: generationEnd,
});

export const generationStopped = defineEvent({
  type: 'generationStopped',
  summary: 'Reports that a generation was stopped, with the text generated so far.',
  payload: generationEnd,
});

export const generationError = defineEvent({
  type: 'generationError',
  summary: 'Reports that a generation has failed. The error reply has the same code and message.',
  payload: {
    modelId: nullable(v.string(), 'The id of the model, as requests take it; null where none was found.'),
    code: field(errorInfo.entries.code, 'The error code.'),
    error: field(v.string(), 'The error message.'),
  },
});

export const embeddingProgress = defineEvent({
  type: 'embeddingProgress',
  summary: "Extension: reports how many of a request's texts have been embedded or scored.",
  payload: {
    modelId,
    processed: field(count, 'Texts that are done.'),
    total: field(count, 'Texts of this request, or of the requested page.'),
    progress: field(percentage, 'The share that is done.'),
  },
  coalescedBy: ['modelId'],
});

export const modelUnloaded = defineEvent({
  type: 'MODEL_UNLOADED',
  summary: 'Extension: reports that the host unloaded a model without a request to do so. Belongs to no request.',
  payload: {
    modelId,
    reason: field(
      v.picklist(['idle', 'room', 'request', 'host']),
      '`idle`: the model was not used for its `keepAlive`. `room`: another model needed the memory. `request`: a client of another host of this user unloaded it. `host`: another host that had it loaded has ended or has unloaded it; it can be loaded again.',
    ),
  },
});

export const conversationChanged = defineEvent({
  type: 'conversationChanged',
  summary: 'Extension: reports that a conversation changed, to every client of the host. Belongs to no request.',
  payload: {
    conversation_id: nullable(v.string(), 'The id of the conversation; null for several at once.'),
    kind: field(
      v.picklist(['created', 'updated', 'messages', 'deleted', 'restored']),
      '`updated`: its title, settings or selected branch; `messages`: messages were added or changed.',
    ),
  },
});
