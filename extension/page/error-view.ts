import { RequestError } from '../host-connection.ts';
import { safeLink } from './markdown/safe-link.ts';

/** What helps against an error, offered as a button. */
export type ErrorAction =
  | 'addToken'
  | 'diagnostics'
  | 'download'
  | 'engines'
  | 'freeSpace'
  | 'load'
  | 'loadSettings'
  | 'models'
  | 'newChat'
  | 'openTerms'
  | 'reloadLonger'
  | 'retry'
  | 'searchModels'
  | 'unload'
  | 'verify';

/** An error as pages show it: a sentence in the user's language, and the host's own words under "Details". */
export interface ErrorView {
  readonly code: string;
  /** Actions that help, the most useful first. */
  readonly actions: readonly ErrorAction[];
  /** The host's message, in English. */
  readonly message: string;
  /** The model it is about, where the host names it. */
  readonly modelId: string | undefined;
  /** The remote engine it is about. */
  readonly engine: string | undefined;
  /** Bytes of disk space that are missing. */
  readonly missingBytes: number | undefined;
  /** Tokens of a prompt that is too long for the context. */
  readonly promptTokens: number | undefined;
  /** The page of the hub where the terms of a gated repository are accepted. */
  readonly termsUrl: string | undefined;
}

const ACTIONS: ReadonlyMap<string, ErrorAction | readonly ErrorAction[]> = new Map(
  Object.entries({
    MODEL_NOT_LOADED: 'load',
    MODEL_NOT_DOWNLOADED: 'download',
    MODEL_IN_USE: 'unload',
    INSUFFICIENT_MEMORY: 'loadSettings',
    MODEL_REJECTED: 'verify',
    UNSUPPORTED_MODEL_TYPE: 'searchModels',
    MODEL_NOT_CAPABLE: 'models',
    ENGINE_CRASHED: 'load',
    ENGINE_ENDED: 'load',
    ENGINE_UNAVAILABLE: 'diagnostics',
    LOAD_TIMEOUT: 'retry',
    CONTEXT_OVERFLOW: 'reloadLonger',
    EMBEDDING_FAILED: 'retry',
    GENERATION_FAILED: 'retry',
    CHAT_TEMPLATE_FAILED: 'newChat',
    CONVERSATION_NOT_FOUND: 'newChat',
    GATED_REPO: ['openTerms', 'addToken'],
    UNAUTHORIZED: 'addToken',
    RATE_LIMITED: 'retry',
    HUB_UNREACHABLE: 'retry',
    HUB_ERROR: 'retry',
    CHECKSUM_MISMATCH: 'retry',
    SIZE_MISMATCH: 'retry',
    REMOTE_CHANGED: 'retry',
    DISK_FULL: 'freeSpace',
    CACHE_LIMIT: 'freeSpace',
    CACHE_ERROR: 'retry',
    CACHE_MOVING: 'retry',
    FILE_IN_USE: 'retry',
    TOO_MANY_FILES: 'retry',
    REMOTE_MODEL_NOT_FOUND: 'models',
    REMOTE_NOT_CONFIGURED: 'engines',
    REMOTE_UNREACHABLE: 'retry',
    REMOTE_ERROR: 'retry',
    REMOTE_CUT: 'retry',
    KEYCHAIN_UNAVAILABLE: 'retry',
    HOST_UPDATED: 'retry',
    HOST_DISCONNECTED: 'retry',
    ABORTED: 'retry',
    INTERNAL_ERROR: 'retry',
  } satisfies Partial<Record<RequestError['code'], ErrorAction | readonly ErrorAction[]>>),
);

/** Codes that have another meaning for remote engines. */
const ENGINE_ACTIONS: ReadonlyMap<string, ErrorAction> = new Map(
  Object.entries({ UNAUTHORIZED: 'engines', REDIRECT_REFUSED: 'engines' } satisfies Partial<
    Record<RequestError['code'], ErrorAction>
  >),
);

/** Returns how to show an error of a request, or of anything else that failed. */
export function viewError(error: unknown): ErrorView {
  if (error instanceof RequestError) return viewErrorCode(error.code, error.message, error.details);
  return viewErrorCode('unknown', error instanceof Error ? error.message : String(error));
}

/** Returns how to show an error that the host reported as a code and a message, as in the status of a download. */
export function viewErrorCode(
  code: string,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): ErrorView {
  const { needed, available, modelId = details.model, engine, accessPage, promptTokens } = details;
  const isOfEngine = typeof engine === 'string';
  return {
    code,
    actions: [(isOfEngine ? ENGINE_ACTIONS.get(code) : undefined) ?? ACTIONS.get(code) ?? []].flat(),
    message,
    modelId: typeof modelId === 'string' ? modelId : undefined,
    engine: isOfEngine ? engine : undefined,
    missingBytes: typeof needed === 'number' && typeof available === 'number' ? needed - available : undefined,
    promptTokens: typeof promptTokens === 'number' ? promptTokens : undefined,
    termsUrl: typeof accessPage === 'string' ? safeLink(accessPage) : undefined,
  };
}
