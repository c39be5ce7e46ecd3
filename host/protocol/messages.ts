import type * as v from 'valibot';
import type { PAYLOAD_SCHEMAS } from './actions/payloads.ts';
import type { ActionName, REQUEST_SCHEMAS } from './actions/requests.ts';
import type { ErrorCode } from './errors.ts';

/** What a client gave to tell its replies apart. */
export type RequestId = string | number;

/** The fields of a request of action `A`, checked. */
export type RequestOf<A extends ActionName> = v.InferOutput<(typeof REQUEST_SCHEMAS)[A]>;

/** What a success reply to action `A` carries under `payload`. */
export type PayloadOf<A extends ActionName> = v.InferOutput<(typeof PAYLOAD_SCHEMAS)[A]>;

/** A request that has been through its schema. */
export type ParsedRequest = {
  [A in ActionName]: { readonly action: A; readonly fields: RequestOf<A> };
}[ActionName];

interface ReplyHead {
  /** The request's, in the spelling it came in. */
  action?: string;
  requestId?: RequestId;
}

/** A reply that says the work is done. Some actions of the original also put fields of the payload at the top level. */
export interface SuccessReply<P = unknown> extends ReplyHead {
  status: 'success';
  message?: string;
  payload: P;
  [topLevel: string]: unknown;
}

/** A reply that says why it is not. */
export interface ErrorReply extends ReplyHead {
  status: 'error';
  message: string;
  code: ErrorCode;
  details?: Readonly<Record<string, unknown>>;
}

export type Reply = SuccessReply | ErrorReply;

/** `MODEL_DOWNLOAD_PROGRESS`: how far a download has come. */
export interface DownloadProgressPayload {
  repoId: string;
  fileName: string;
  /** Bytes that are on the disk. */
  loaded: number;
  /** Bytes of the whole model. */
  total: number;
  /** 0 to 100. */
  progress: number;
  bytesPerSecond: number;
  /** Seconds to go at this speed; null while the speed is not known. */
  etaSeconds: number | null;
}

/** `MODEL_VERIFY_PROGRESS` (*ours*): how far a check of the files on the disk has come; as of a download. */
export interface VerifyProgressPayload extends DownloadProgressPayload {
  /** Which model of how many, from 1. */
  model: number;
  models: number;
}

/** `CACHE_MOVE_PROGRESS` (*ours*): how far MOVE_CACHE has come; bytes. */
export interface MoveProgressPayload {
  moved: number;
  total: number;
  /** 0 to 100. */
  progress: number;
}

/** `modelWorkerLoadingProgress`: how far a LOAD_MODEL has come, download included. */
export interface LoadingProgressPayload {
  status: 'initiate' | 'progress' | 'done' | 'error' | 'cached';
  /** The model id. */
  file: string;
  /** 0 to 100. */
  progress: number;
  loaded?: number;
  total?: number;
  message?: string;
  loadId?: string | number;
}

/** `generationPromptProgress` (*ours*): how much of a long prompt has been evaluated. */
export interface PromptProgressPayload {
  modelId: string;
  /** Tokens of the prompt that need not be evaluated any more. */
  processed: number;
  /** Tokens of the whole prompt. */
  total: number;
  /** 0 to 100. */
  progress: number;
}

/** `generationUpdate`: text that came since the last one. Put together, they are the whole output. */
export interface GenerationUpdatePayload {
  /** One token's text, or that of all tokens since the last event. Never a part of a character. */
  token: string;
  /** Tokens per second so far. */
  tps: number;
  /** Tokens so far. */
  numTokens: number;
}

/** `generationComplete` and `generationStopped`: all of it. */
export interface GenerationEndPayload {
  output: string;
  generatedText: string;
  tps: number;
  numTokens: number;
}

/** `generationError`: why there is no answer; the error reply says the same. */
export interface GenerationErrorPayload {
  code: ErrorCode;
  error: string;
}

/** `embeddingProgress` (*ours*): how many of a request's texts have been embedded or ranked. */
export interface EmbeddingProgressPayload {
  modelId: string;
  /** Texts that are done. */
  processed: number;
  /** Texts of this request, or of the page asked for. */
  total: number;
  /** 0 to 100. */
  progress: number;
}

/** `MODEL_UNLOADED` (*ours*): a model went that nobody unloaded. */
export interface ModelUnloadedPayload {
  modelId: string;
  /** `idle`: it had nothing to do for its `keepAlive`. `room`: another load needed its memory. */
  reason: 'idle' | 'room';
}

/** Every event and its payload. */
export interface EventPayloads {
  /** How far a download has come: bytes, speed, seconds to go. */
  MODEL_DOWNLOAD_PROGRESS: DownloadProgressPayload;
  /** How far a VERIFY_MODEL or REPAIR_MODEL has come. */
  MODEL_VERIFY_PROGRESS: VerifyProgressPayload;
  /** How far a LOAD_MODEL has come, its download included. */
  CACHE_MOVE_PROGRESS: MoveProgressPayload;
  modelWorkerLoadingProgress: LoadingProgressPayload;
  /** How much of a long prompt has been evaluated. */
  generationPromptProgress: PromptProgressPayload;
  /** Text that came since the last one; put together, they are the whole output. */
  generationUpdate: GenerationUpdatePayload;
  /** The whole output. */
  generationComplete: GenerationEndPayload;
  /** What there was when it was stopped. */
  generationStopped: GenerationEndPayload;
  /** Why there is no answer; the error reply says the same. */
  generationError: GenerationErrorPayload;
  /** How many of a request's texts have been embedded or ranked. */
  embeddingProgress: EmbeddingProgressPayload;
  /** A model was unloaded that nobody asked to unload. It belongs to no request. */
  MODEL_UNLOADED: ModelUnloadedPayload;
}

export type EventType = keyof EventPayloads;

/** What the host says unasked, or while a request is being worked on. */
export type HostEvent = {
  [T in EventType]: { type: T; payload: EventPayloads[T]; requestId?: RequestId };
}[EventType];
